"""Where one tab of the page looks: a round, a datum, a place in latent space."""

import numpy as np

from models.explorer.plane import nearest

SLIDERS = 20  # as many as a page can hold


class State:
    """What is looked at; every tab has its own.

    Args:
        space: the `Space`.

    Attributes:
        round: its number.
        datum: the chosen row of the data, or `None`.
        z: what is drawn, (latent_dim,). source: where it came from, in words.
        label: what a conditional model decodes with, else `None`.
    """

    def __init__(self, space):
        self.space = space
        self.round = space.rounds[-1]
        self.datum = None
        self.label = 0 if space.is_conditional else None
        self._draw_from(self.mean, "the mean of all data")

    def _draw_from(self, z, source):
        self.z, self.source = np.array(z, float), source

    @property
    def latents(self):
        return self.space.latents[self.round]

    @property
    def mean(self):
        return self.latents.z_mean.mean(axis=0)

    # --- What a user does -------------------------------------------------------------

    def choose(self, datum):
        """A datum: it is drawn, with its own label."""
        self.datum = int(datum)
        if self.label is not None:
            self.label = int(self.space.data.labels[self.datum])
        self._draw_from(self.latents.z_mean[self.datum], f"datum {self.datum}")

    def place(self, at):
        """A place of the plane, (2,): outside it z is the chosen datum's, or the mean.

        Of a strip only the first coordinate counts.
        """
        base = self.mean if self.datum is None else self.latents.z_mean[self.datum]
        z = self.space.plane.lift(at[: len(self.space.plane.axes)], base)
        source = "the place clicked"
        if self.datum is not None and len(z) > len(self.space.plane.axes):
            source += f", else as datum {self.datum}"
        self._draw_from(z, source)

    def click(self, at, pixel):
        """A click: on a point chooses that datum, elsewhere the place.

        at: (2,). pixel: the width and height of a pixel, in the units of the plane.
        """
        datum = nearest(self.space.points[self.round], at, pixel)
        self.place(at) if datum is None else self.choose(datum)

    def move(self, dimension, value):
        """A slider; False if it already stands there."""
        if self.z[dimension] == value:
            return False
        self.z[dimension] = value
        self.source = self.source.removesuffix(", moved") + ", moved"
        return True

    def to_class(self, k):
        """The mean of a class."""
        self._draw_from(self.latents.means[k], f"the mean of class {k}")

    def to_round(self, number):
        """Another round: the chosen datum is drawn anew, or else the mean."""
        self.round = number
        if self.datum is None:
            self._draw_from(self.mean, "the mean of all data")
        else:
            self.choose(self.datum)

    # --- What there is to see ---------------------------------------------------------

    def decode(self, z):
        """(n, latent_dim) -> (n, *input_shape), by this round's decoder."""
        return self.space.decoder(z, self.round, self.label)

    @property
    def drawn(self):
        """What z decodes to."""
        return self.decode(self.z[None])[0]

    @property
    def at(self):
        """Where in the scatter z lies, (2,)."""
        return np.append(self.space.plane.project(self.z), 0.0)[:2]

    @property
    def x(self):
        """The chosen datum."""
        return self.space.data.x[self.datum]

    @property
    def reconstruction(self):
        return self.decode(self.latents.z_mean[[self.datum]])[0]

    @property
    def point(self):
        """Where in the scatter the chosen datum lies, (2,)."""
        return self.space.points[self.round][self.datum]

    @property
    def neighbours(self):
        """Those of the chosen datum: (indices, distances)."""
        return self.latents.neighbours(self.datum)

    @property
    def has_classes(self):
        return self.latents.classes is not None

    @property
    def class_means(self):
        """What the mean of each class decodes to."""
        return self.decode(self.latents.means)

    @property
    def class_sizes(self):
        return np.bincount(self.latents.classes, minlength=len(self.latents.means))


def shown_dimensions(kl):
    """The dimensions that get a slider: all, or those with the largest KL."""
    return np.sort(np.argsort(-kl, kind="stable")[:SLIDERS])
