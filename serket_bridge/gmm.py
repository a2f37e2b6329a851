"""A Gaussian mixture as a module: class means go down, class probabilities go up."""

import numpy as np
from threadpoolctl import threadpool_limits

from serket_bridge.messages import Categorical, Gaussian
from serket_bridge.mixture import EM
from serket_bridge.module import Module


def hard(responsibilities, mixture):
    """Serket's message: each datum's class mean, with unit precision.

    responsibilities: (n, K). Returns a `Gaussian`, (n, D).
    """
    mean = mixture.means[responsibilities.argmax(axis=1)]
    return Gaussian(mean, np.ones_like(mean))


def soft(responsibilities, mixture, rows=4096):
    """The whole mixture collapsed to one Gaussian for each datum.

    sum_k r_k KL(q || N(m_k, L_k^-1)) = KL(q || N(L^-1 sum_k r_k L_k m_k, L^-1)) + const
    with L = sum_k r_k L_k; of L^-1 in that mean all entries count, and of L in the
    message the diagonal, since q is diagonal.

    responsibilities: (n, K). Returns a `Gaussian`, (n, D); `rows` data at a time.
    """
    weighted_means = np.einsum("kij,kj->ki", mixture.precisions, mixture.means)
    means, precisions = [], []
    for first in range(0, len(responsibilities), rows):
        r = responsibilities[first : first + rows]
        precision = np.einsum("nk,kij->nij", r, mixture.precisions)
        means.append(
            np.linalg.solve(precision, (r @ weighted_means)[..., None])[..., 0]
        )
        precisions.append(np.einsum("nii->ni", precision))
    return Gaussian(np.concatenate(means), np.concatenate(precisions))


class GMM(Module):
    """A Gaussian mixture with full covariances over the latents of the module below.

    Up goes p(c_n | z_n), without what came from above, so that nothing is counted
    twice. Down goes a Gaussian prior for each datum's latent. From above comes the
    prior p(c_n) of each datum's class, uniform until there is one.

    Args:
        n_components: the number of classes K.
        inference: `EM(...)` (the default) or `Variational(...)`, both in
            `serket_bridge.mixture`, or `serket_bridge.gibbs.Gibbs(...)`, or any
            function of their signature.
        message: what goes down, `hard` or `soft`: a function (responsibilities,
            mixture) -> `Gaussian`.
        seed: of starts and draws.

    Attributes, after an update:
        mixture: the parameters, a `serket_bridge.mixture.Mixture`.
        responsibilities: p(c_n | z_n, message from above), (n, K).
        classes: the most probable class of each datum, (n,) int.
    """

    def __init__(
        self, n_components, *, inference=None, message=hard, seed=None, name="gmm"
    ):
        super().__init__(name)
        if not isinstance(n_components, int) or n_components < 1:
            raise ValueError(
                "n_components must be an integer >= 1. "
                f"Received: n_components={n_components!r}"
            )
        self.n_components, self.message = n_components, message
        self.inference = EM() if inference is None else inference
        self.rng = np.random.default_rng(seed)
        self.state = None

    def update(self, tick=lambda: None):
        """Fits the mixture, and sends both ways."""
        (latents,) = self.inputs()
        if latents.mean.ndim != 2:
            raise ValueError(
                f"{self.name} takes latents of the shape (n, latent_dim) from "
                f"{self.lowers[0].name}. Received: {latents.mean.shape}"
            )
        if len(latents) < self.n_components:
            raise ValueError(
                f"{self.name}: n_components must be at most the number of data, "
                f"{len(latents)}. Received: n_components={self.n_components}"
            )
        z = latents.sample(self.rng).astype(np.float64)
        prior = self.from_above(Categorical.uniform(len(z), self.n_components))
        # 0 where nothing is said, so that the bound is then the mixture's own
        log_prior = prior.log_prob + np.log(self.n_components)
        # on small arrays threads only get in each other's way
        with threadpool_limits(1):
            fit = self.inference(z, log_prior, self.n_components, self.state, self.rng)
        self.mixture, self.state = fit.mixture, fit.state
        log_joint = self.mixture.log_joint(z)
        self.responsibilities = (Categorical(log_joint) * prior).prob
        self.classes = self.responsibilities.argmax(axis=1)
        self.report = {"bound": fit.bound}
        self.forward = Categorical(log_joint)
        self.send_down(
            self.lowers[0], self.message(self.responsibilities, self.mixture)
        )
        tick()
