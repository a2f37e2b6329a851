"""What one tab of the page looks at: a round, an example, a point in latent space."""

import numpy as np

MAX_SLIDERS = 20


class ViewState:
    """What one tab looks at in a `LatentSpace`.

    The number of a round; an example, a row of the data or None; the z that is decoded,
    (latent_dim,), and its description, `source`; the label that a conditional model
    decodes with, or None.
    """

    def __init__(self, space):
        self.space = space
        self.round = space.rounds[-1]
        self.example = None
        self.label = 0 if space.vae.is_conditional else None
        self._set_mean()

    def _set_z(self, z, source):
        self.z, self.source = np.array(z, float), source

    def _set_mean(self):
        self._set_z(self.latents.mean, "the mean of all data")

    @property
    def latents(self):
        """Those of the round."""
        return self.space.latents[self.round]

    # --- Actions ----------------------------------------------------------------------

    def select_example(self, example: int) -> None:
        """Selects a row of the data, and decodes it with its own label."""
        self.example = int(example)
        if self.label is not None:
            self.label = int(self.space.data.labels[self.example])
        self._set_z(self.latents.z[self.example], f"example {self.example}")

    def move_to(self, point: np.ndarray) -> None:
        """Moves z to a point; outside the plane it is that of the example, or mean."""
        is_selected = self.example is not None
        base = self.latents.z[self.example] if is_selected else self.latents.mean
        n_axes = len(self.space.plane.axes)
        z = self.space.plane.lift(point[:n_axes], base)
        rest = f", otherwise as example {self.example}"
        self._set_z(z, "the clicked point" + rest * (is_selected and len(z) > n_axes))

    def click(self, point: np.ndarray, pixel: np.ndarray) -> None:
        """Selects the example at a point of the scatter plot, or else moves there."""
        example = find_clicked_point(self.space.points[self.round], point, pixel)
        if example is None:
            self.move_to(point)
        else:
            self.select_example(example)

    def move_slider(self, dimension: int, value: float) -> bool:
        """Changes one dimension of z; False if it has that value already."""
        if self.z[dimension] == value:
            return False
        self.z[dimension] = value
        self.source = self.source.removesuffix(", moved") + ", moved"
        return True

    def move_to_class(self, k: int) -> None:
        """Moves z to the mean of a class."""
        self._set_z(self.latents.class_means[k], f"the mean of class {k}")

    def select_round(self, number: int) -> None:
        """Shows another round, in it the selected example or the mean."""
        self.round = number
        if self.example is None:
            self._set_mean()
        else:
            self.select_example(self.example)

    # --- What there is to see ---------------------------------------------------------

    def decode(self, z: np.ndarray) -> np.ndarray:
        """(n, latent_dim) -> (n, *input_shape), by the decoder of the round."""
        return self.space.decoder(z, self.round, self.label)

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
