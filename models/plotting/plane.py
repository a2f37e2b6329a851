"""The plane in which latent spaces are drawn: latents are projected, points lifted."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane in latent space, or a line if there is only one dimension.

    `origin` is (latent_dim,); `axes`, (2 or 1, latent_dim), are orthonormal, and have
    `names`.
    """

    origin: np.ndarray
    axes: np.ndarray
    names: tuple[str, ...]

    def project(self, z: np.ndarray) -> np.ndarray:
        """(..., latent_dim) -> (..., 2 or 1)."""
        return (z - self.origin) @ self.axes.T

    def lift(self, point: np.ndarray, base: np.ndarray) -> np.ndarray:
        """The z that `project` maps to `point`, equal to `base` outside the plane."""
        return base + (point - self.project(base)) @ self.axes

    def scatter(self, z: np.ndarray, seed: int = 0, height: float = 1.0) -> np.ndarray:
        """(n, latent_dim) -> (n, 2); a line becomes a strip of this height."""
        points = self.project(z)
        if len(self.axes) == 2:
            return points
        heights = np.random.default_rng(seed).uniform(-0.5, 0.5, points.shape)
        return np.hstack([points, height * heights])


def fit_plane(latents: list[np.ndarray], seed: int = 0) -> Plane:
    """The common plane of several arrays of latents, each (n, latent_dim).

    One or two dimensions are taken unchanged, more by their principal components.
    """
    dims = latents[0].shape[1]
    if dims <= 2:
        names = tuple(f"z{k + 1}" for k in range(dims))
        return Plane(np.zeros(dims), np.eye(dims), names)
    stacked = np.concatenate(latents)
    pca = PCA(min(2, len(stacked)), random_state=seed).fit(stacked)
    shares = enumerate(pca.explained_variance_ratio_, 1)
    names = tuple(f"PC {k} ({100 * share:.0f} %)" for k, share in shares)
    return Plane(pca.mean_, pca.components_, names)
