"""The colours of the scatter: of labels, and of classes matched with them."""

from dataclasses import dataclass, replace

import matplotlib
import numpy as np
from matplotlib.colors import to_hex

from models.plotting import curves
from models.plotting.images import GREY, PALETTE


@dataclass(frozen=True, eq=False)
class Colouring:
    """A colour for each datum.

    kind: "label" or "class", what the colours stand for. codes: (n,) indices into the
    others. values: the labels or classes that there are. names: what they are called.
    palette: their colours.
    """

    kind: str
    codes: np.ndarray
    values: list
    names: list
    palette: list

    def of(self, value):
        """The colour of a label or class; grey for one that no datum has."""
        return dict(zip(self.values, self.palette, strict=True)).get(value, GREY)

    def name_and_colour(self, datum):
        """Of the label or class of a datum."""
        code = self.codes[datum]
        return self.names[code], self.palette[code]


def colourings(data, classes):
    """ "label", "class" -> the `Colouring` by it; where there is neither, grey.

    data: a `Dataset`. classes: (n,) integers, or `None`.
    """
    found, labels = {}, data.labels
    if labels is not None:
        found["label"] = of_values("label", labels, data.label_names.__getitem__)
    if classes is not None:
        found["class"] = of_classes(classes, labels)
    grey = Colouring("data", np.zeros(len(data.x), np.uint8), [0], ["all"], [GREY])
    return found or {grey.kind: grey}


def of_values(kind, values, name=str):
    """A strong colour for each value; for more than there are of them, a range."""
    distinct, codes = np.unique(values, return_inverse=True)
    names, codes = [name(value) for value in distinct], codes.astype(np.uint16)
    return Colouring(kind, codes, distinct.tolist(), names, palette(len(names)))


def of_classes(classes, labels=None):
    """A class has the colour of the label it is matched with, as `plots` draws it."""
    own = of_values("class", classes)
    n_labels = 0 if labels is None else len(np.unique(labels))
    if not n_labels or max(n_labels, len(own.values)) > len(PALETTE):
        return own
    by_label = dict(zip(np.unique(labels).tolist(), PALETTE, strict=False))
    matched = curves._matched(classes, labels, by_label)
    return replace(own, palette=[matched[k] for k in own.values])


def palette(n):
    """n colours, told apart if there are that many, else a range."""
    if n <= len(PALETTE):
        return list(PALETTE[:n])
    viridis = matplotlib.colormaps["viridis"]
    return [to_hex(viridis(share)) for share in np.linspace(0, 1, n)]
