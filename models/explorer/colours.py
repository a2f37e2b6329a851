"""The colours of the scatter plot: of labels, and of classes matched with them."""

from dataclasses import dataclass, replace

import matplotlib
import numpy as np
from matplotlib.colors import to_hex

from models.plotting.latent_space import match_colours
from models.plotting.style import GREY, PALETTE


@dataclass(frozen=True, eq=False)
class Colouring:
    """A colour for each example, by "label", "class" or, for neither, "data".

    `codes`, (n,), are indices into the distinct values, their names and colours.
    """

    kind: str
    codes: np.ndarray
    values: list
    names: list
    palette: list

    def colour_of(self, value) -> str:
        """The colour of a label or class; grey if no example has it."""
        return dict(zip(self.values, self.palette, strict=True)).get(value, GREY)

    def describe_example(self, example: int) -> tuple[str, str]:
        """The name and the colour of the label or class of an example."""
        code = self.codes[example]
        return self.names[code], self.palette[code]


def make_colourings(data, classes: np.ndarray | None) -> dict[str, Colouring]:
    """The colourings of a `Dataset` by kind; `classes`, (n,), if there are any."""
    found, labels = {}, data.labels
    if labels is not None:
        found["label"] = colour_values("label", labels, data.label_names.__getitem__)
    if classes is not None:
        found["class"] = colour_classes(classes, labels)
    grey = Colouring("data", np.zeros(len(data.x), np.uint8), [0], ["all"], [GREY])
    return found or {grey.kind: grey}


def colour_values(kind: str, values: np.ndarray, name=str) -> Colouring:
    """A distinct colour for each value, or a range if there are too many values."""
    distinct, codes = np.unique(values, return_inverse=True)
    names, palette = [name(value) for value in distinct], list(PALETTE[: len(distinct)])
    if len(distinct) > len(PALETTE):
        viridis = matplotlib.colormaps["viridis"](np.linspace(0, 1, len(distinct)))
        palette = list(map(to_hex, viridis))
    return Colouring(kind, codes.astype(np.uint16), distinct.tolist(), names, palette)


def colour_classes(classes: np.ndarray, labels: np.ndarray | None = None) -> Colouring:
    """Gives each class the colour of the label it is matched with."""
    own = colour_values("class", classes)
    known = [] if labels is None else np.unique(labels).tolist()
    if not known or max(len(known), len(own.values)) > len(PALETTE):
        return own
    matched = match_colours(classes, labels, dict(zip(known, PALETTE, strict=False)))
    return replace(own, palette=[matched[k] for k in own.values])
