"""What one tab of the page looks at: a round, an example, a point in latent space."""

import numpy as np

MAX_SLIDERS = 20


class ViewState:
    """What one tab looks at in a `LatentSpace`.

    The number of a round; an example, a row of the data or None; the z that is decoded,
    (latent_dim,), and its description, `source`; the label that a conditional model
    decodes with, or None. Actions that change nothing return False.
    """

    def __init__(self, space):
        self.space, self.example = space, None
        self.label = 0 if space.vae.is_conditional else None
        self.select_round(space.rounds[-1])

    @property
    def latents(self):
        """Those of the round."""
        return self.space.latents[self.round]

    def select_round(self, number: int) -> None:
        """Shows another round, in it the selected example or the mean of all."""
        self.round = number
        if self.example is None:
            self._set_z(self.latents.z.mean(axis=0), "the mean of all data")
        else:
            self.select_example(self.example)

    def select_label(self, label: int) -> bool:
        """Decodes with another label."""
        changed, self.label = label != self.label, label
        return changed

    def select_example(self, example: int) -> None:
        """Selects a row of the data, and decodes it with its own label."""
        self.example = int(example)
        if self.label is not None:
            self.label = int(self.space.data.labels[self.example])
        self._set_z(self.latents.z[self.example], f"example {self.example}")

    def click(self, point: np.ndarray, pixel: np.ndarray) -> None:
        """Selects the example at a point of the scatter plot, or else moves z there.

        Outside the plane z is that of the selected example, or the mean of all.
        """
        clicked = find_clicked_point(self.space.points[self.round], point, pixel)
        if clicked is not None:
            return self.select_example(clicked)
        z, plane, source = self.latents.z, self.space.plane, "the clicked point"
        base = z.mean(axis=0) if self.example is None else z[self.example]
        if self.example is not None and len(base) > len(plane.axes):
            source += f", otherwise as example {self.example}"
        return self._set_z(plane.lift(point[: len(plane.axes)], base), source)

    def move_to_class(self, k: int) -> None:
        """Moves z to the mean of a class."""
        self._set_z(self.latents.class_means[k], f"the mean of class {k}")

    def move_slider(self, dimension: int, value: float) -> bool:
        """Changes one dimension of z."""
        if self.z[dimension] == value:
            return False
        self.z[dimension] = value
        self.source = self.source.removesuffix(", moved") + ", moved"
        return True

    def _set_z(self, z, source):
        self.z, self.source = np.array(z, float), source

    def decode(self, z: np.ndarray) -> np.ndarray:
        """(n, latent_dim) -> (n, *input_shape), by the decoder of the round."""
        return self.space.decode(z, self.round, self.label)

    @property
    def decoded(self) -> np.ndarray:
        """The decoded z."""
        return self.decode(self.z[None])[0]

    @property
    def point(self) -> np.ndarray:
        """The position of z in the scatter plot, (2,)."""
        return np.append(self.space.plane.project(self.z), 0.0)[:2]


def most_relevant(relevance: np.ndarray) -> np.ndarray:
    """The dimensions that get a slider: all, or the most relevant ones, in order."""
    return np.sort(np.argsort(-relevance, kind="stable")[:MAX_SLIDERS])


def find_clicked_point(points, click, pixel, reach: float = 8) -> int | None:
    """The index of the point within `reach` pixels of a click, or None."""
    distances = np.hypot(*((points - click) / pixel).T)
    nearest = int(distances.argmin())
    return nearest if distances[nearest] <= reach else None
