"""The plane of the scatter: latents projected to it, and its places lifted back."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane in latent space, or a line where there is but one dimension.

    origin: (latent_dim,). axes: (2 or 1, latent_dim), orthonormal rows. names: of the
    axes.
    """

    origin: np.ndarray
    axes: np.ndarray
    names: tuple[str, ...]

    def project(self, z):
        """(..., latent_dim) -> (..., 2 or 1)."""
        return (z - self.origin) @ self.axes.T

    def lift(self, place, base):
        """The z that `project` takes to `place`, and that is `base` in all else."""
        return base + (place - self.project(base)) @ self.axes


def fit(latents):
    """The plane of these latents, arrays (n, latent_dim): one for all of them.

    One or two dimensions are taken as they are, more by their principal components.
    """
    dims = latents[0].shape[1]
    if dims <= 2:
        names = tuple(f"z{k + 1}" for k in range(dims))
        return Plane(np.zeros(dims), np.eye(dims), names)
    from sklearn.decomposition import PCA  # slow to import

    stacked = np.concatenate(latents)
    pca = PCA(min(2, len(stacked)), random_state=0).fit(stacked)
    names = tuple(
        f"PC {k} ({100 * share:.0f} %)"
        for k, share in enumerate(pca.explained_variance_ratio_, 1)
    )
    return Plane(pca.mean_, pca.components_, names)


def nearest(points, place, pixel, reach=8):
    """The index of the point that a click at `place` meant, or None for none.

    points: (n, 2). pixel: the width and height of a pixel, in the points' units.
    reach: how far from a point a click may be, in pixels.
    """
    distances = np.hypot(*((points - place) / pixel).T)
    best = int(distances.argmin())
    return best if distances[best] <= reach else None
