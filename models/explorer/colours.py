"""The colours of the scatter plot: of labels, and of classes matched with them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.plotting.latent_space import match_colours, value_colours
from models.plotting.style import GREY, PALETTE


@dataclass(frozen=True, eq=False)
class Colouring:
    """A colour for each example, by "label", "class" or, for neither, "data".

    `values`, (n,), are those of the examples; `colours` has that of each distinct
    value, in order, and `name_of` returns its name.
    """

    kind: str
    values: np.ndarray
    colours: dict[int, str]
    name_of: Callable[[int], str] = str

    @property
    def codes(self) -> np.ndarray:
        """The indices of the examples' values among the colours, (n,)."""
        return np.searchsorted(list(self.colours), self.values).astype(np.uint16)

    def describe_example(self, example: int) -> tuple[str, str]:
        """The name and the colour of the label or class of an example."""
        value = int(self.values[example])
        return self.name_of(value), self.colours[value]


def make_colourings(data, classes: np.ndarray | None) -> dict[str, Colouring]:
    """The colourings of a `Dataset` by kind; `classes`, (n,), if there are any.

    A class has the colour of the label it is matched with.
    """
    found, labels, colours = [], data.labels, {}
    if labels is not None:
        colours, name_of = value_colours(labels), data.label_names.__getitem__
        found.append(Colouring("label", labels, colours, name_of))
    if classes is not None:
        own = value_colours(classes)
        if colours and max(len(colours), len(own)) <= len(PALETTE):
            own = match_colours(classes, labels, colours)
        found.append(Colouring("class", classes, own))
    nothing = np.zeros(len(data.x), int)
    found = found or [Colouring("data", nothing, {0: GREY}, lambda _: "all")]
    return {each.kind: each for each in found}
