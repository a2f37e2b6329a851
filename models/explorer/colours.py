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
    names, codes = [name(value) for value in distinct], codes.astype(np.uint16)
    return Colouring(kind, codes, distinct.tolist(), names, make_palette(len(names)))


def colour_classes(classes: np.ndarray, labels: np.ndarray | None = None) -> Colouring:
    """Gives each class the colour of the label it is matched with."""
    own = colour_values("class", classes)
    n_labels = 0 if labels is None else len(np.unique(labels))
    if not n_labels or max(n_labels, len(own.values)) > len(PALETTE):
        return own
    by_label = dict(zip(np.unique(labels).tolist(), PALETTE, strict=False))
    matched = match_colours(classes, labels, by_label)
    return replace(own, palette=[matched[k] for k in own.values])


def make_palette(n: int) -> list[str]:
    """Makes n colours: distinct ones if there are enough, else a range."""
    if n <= len(PALETTE):
        return list(PALETTE[:n])
    viridis = matplotlib.colormaps["viridis"]
    return [to_hex(viridis(share)) for share in np.linspace(0, 1, n)]
