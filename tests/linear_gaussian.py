"""x = W z + b + noise, the one VAE whose log p(x) is known in closed form.

W has orthogonal columns, so that the exact posterior is diagonal, as q is.
"""

import numpy as np
from scipy import stats

import models

DIM, LATENT, SIGMA = 5, 2, 0.7
NOTHING = (np.zeros(LATENT), np.ones(LATENT))
MESSAGE = (np.array([1.0, -2.0]), np.array([3.0, 0.5]))


def make(rng, **kwargs):
    """A linear VAE, what it is made of, and three rows."""
    model = models.vanilla.build((DIM,), LATENT, (), sigma=SIGMA, seed=0, **kwargs)
    w = np.linalg.qr(rng.normal(size=(DIM, LATENT)))[0] * [1.5, 0.6]
    b, x = rng.normal(size=DIM), rng.normal(size=(3, DIM))
    model.decoder.get_layer("decoder_output").set_weights([w.T, b])
    return model, w, b, x


def set_encoder(model, matrix, offset, log_var):
    heads = model.posterior.heads
    heads["z_mean"].set_weights([matrix.T, offset])
    heads["z_log_var"].set_weights([np.zeros((DIM, LATENT)), log_var])


def set_exact_posterior(model, w, b, m, precision):
    """q(z|x) = p(z|x) under the prior N(m, diag 1 / precision) (Bishop 2006, 2.116)."""
    posterior_precision = precision + (w**2).sum(axis=0) / SIGMA**2
    gain = (w / SIGMA**2).T / posterior_precision[:, None]
    offset = precision * m / posterior_precision - gain @ b
    set_encoder(model, gain, offset, -np.log(posterior_precision))


def log_evidence(x, w, b, m, precision):
    covariance = w / precision @ w.T + SIGMA**2 * np.eye(DIM)
    return stats.multivariate_normal(b + w @ m, covariance).logpdf(x)
