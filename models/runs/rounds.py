"""What a round of training leaves: latents, mixture and weights, and their file."""

import re
from dataclasses import dataclass, replace

import numpy as np

LATENTS = ("z", "z_mean", "z_log_var", "classes", "responsibilities")
MIXTURE = ("weights", "means", "precisions")


@dataclass(frozen=True, eq=False, kw_only=True)
class Round:
    """The latents, the mixture and the weights of the VAE after a round.

    Attributes:
        z: what the VAE sent forward, (n, latent_dim): a sample or a point of q(z|x).
        model: the weights of the VAE, in the order of `vae.get_weights()`.
        z_mean, z_log_var: of q(z|x), (n, latent_dim); `None` if q is not Gaussian.
        classes, responsibilities: (n,) int and (n, n_components); `None` without a
            mixture, as the next ones.
        weights, means, precisions: of the mixture: (n_components,), (n_components,
            latent_dim), (n_components, latent_dim, latent_dim).
    """

    z: np.ndarray
    model: list
    z_mean: np.ndarray | None = None
    z_log_var: np.ndarray | None = None
    classes: np.ndarray | None = None
    responsibilities: np.ndarray | None = None
    weights: np.ndarray | None = None
    means: np.ndarray | None = None
    precisions: np.ndarray | None = None

    @property
    def points(self) -> np.ndarray:
        """The points that stand for q(z|x), (n, latent_dim): its means if Gaussian."""
        return self.z if self.z_mean is None else self.z_mean

    @property
    def mixture(self):
        """A new scikit-learn `GaussianMixture` of these parameters, or `None`."""
        if self.weights is None:
            return None
        from sklearn.mixture import GaussianMixture

        mixture = GaussianMixture(len(self.weights))
        # an empty class keeps a weight whose logarithm is finite
        mixture.weights_ = np.maximum(self.weights, 1e-300) / np.sum(self.weights)
        mixture.means_ = self.means
        mixture.precisions_ = self.precisions
        mixture.precisions_cholesky_ = np.linalg.cholesky(self.precisions)
        mixture.covariances_ = np.linalg.inv(self.precisions)
        return mixture

    def arrays(self, names: tuple[str, ...] = LATENTS + MIXTURE) -> dict:
        """The arrays that the round has, by name."""
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def every(self, step: int) -> "Round":
        """The round with every `step`-th row of its latents."""
        kept = {name: rows[::step] for name, rows in self.arrays(LATENTS).items()}
        return replace(self, **kept)


def round_arrays(rounds: list[Round]) -> dict[str, np.ndarray]:
    """All rounds as arrays by name, for one file: "1.z", "1.vae.0", ..."""
    arrays = {}
    for number, each in enumerate(rounds, start=1):
        arrays |= {f"{number}.{name}": value for name, value in each.arrays().items()}
        arrays |= {f"{number}.vae.{i}": value for i, value in enumerate(each.model)}
    return arrays


def saved_weights(arrays: dict, vae) -> list[np.ndarray]:
    """The weights of the VAE in a file of rounds, in the order of `vae.weights`."""
    if "vae.0" in arrays:
        return [arrays[f"vae.{i}"] for i in range(len(vae.weights))]
    # of an earlier release, which had the head z_log_var before z_mean
    paths = [weight.path for weight in vae.weights]
    other = {"z_mean": "z_log_var", "z_log_var": "z_mean"}
    old = [re.sub(r"(?<=^posterior/)z_\w+", lambda m: other[m[0]], p) for p in paths]
    return [arrays[f"model.{paths.index(path)}"] for path in old]
