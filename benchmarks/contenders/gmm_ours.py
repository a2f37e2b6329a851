"""The bridge's inference of a Gaussian mixture: ten iterations, ten sweeps."""

import numpy as np

from contenders import STEPS
from serket_bridge.inference.em import EM
from serket_bridge.inference.gibbs import Gibbs


def latents(task):
    """Ten groups of points, (rows, latent)."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((10, task.latent))
    return centres[rng.integers(10, size=task.rows)] + rng.standard_normal(
        (task.rows, task.latent)
    )


def continued(task, inference):
    z, rng = latents(task), np.random.default_rng(0)
    log_prior = np.zeros((task.rows, 10))
    state = inference(z, log_prior, 10, None, rng).state

    def run(times):
        for _ in range(times):
            inference(z, log_prior, 10, state, rng)

    return run


def em(task, x):
    return continued(task, EM(n_init=1, max_iter=STEPS, tol=0.0, restart=False))


def gibbs(task, x):
    return continued(task, Gibbs(STEPS))
