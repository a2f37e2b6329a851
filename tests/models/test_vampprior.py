"""The VampPrior: against SciPy's mixture of the posteriors at its pseudo-inputs."""

import keras
import numpy as np
import pytest
from scipy import special, stats

import models
from models.blocks.likelihoods import Gaussian
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import StandardNormal
from models.variants.vampprior import VampPrior, build


@pytest.fixture(scope="module")
def model():
    model = build((6,), 2, (8,), n_pseudo_inputs=5, seed=0)
    model.compile(keras.optimizers.Adam(0.05))
    x = np.random.default_rng(0).random((60, 6)).astype("float32")
    model.fit(x, epochs=5, verbose=0)
    return model


def mixture(model):
    """Means and standard deviations of q(z|u_k), (K, 2) each."""
    inputs = keras.ops.convert_to_numpy(model.prior.pseudo_inputs)
    z_mean, z_log_var = model.encode(inputs)
    return z_mean, np.exp(z_log_var / 2)


def test_p_z_is_the_mean_of_q_z_given_the_pseudo_inputs(model):
    mean, sd = mixture(model)
    z = np.random.default_rng(1).normal(size=(40, 2)).astype("float32")
    each = stats.norm.logpdf(z[:, None], mean, sd).sum(axis=-1)
    expected = special.logsumexp(each, axis=1) - np.log(5)
    value = model.prior.log_prob(keras.ops.convert_to_tensor(z))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(value), expected, rtol=1e-4)


def test_samples_have_the_moments_of_the_mixture(model):
    mean, sd = mixture(model)
    z, _ = model.sample(20_000, seed=0)
    variance = (sd**2 + mean**2).mean(axis=0) - mean.mean(axis=0) ** 2
    np.testing.assert_allclose(z.mean(axis=0), mean.mean(axis=0), atol=0.04)
    np.testing.assert_allclose(z.var(axis=0), variance, rtol=0.06)


def test_the_learned_prior_fits_the_latents_better_than_n_0_i():
    """The latents of the model have a larger KL to N(0, I) than to its own prior."""
    rng = np.random.default_rng(0)
    pattern = (rng.random((3, 12)) < 0.5).astype("float32")
    x = pattern[np.arange(90) % 3] + rng.normal(0, 0.1, (90, 12)).astype("float32")
    model = build((12,), 2, (16,), n_pseudo_inputs=6, likelihood=Gaussian(0.1), seed=0)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(x, epochs=60, batch_size=30, verbose=0)
    plain = model.replace(prior=StandardNormal())
    kl, plain_kl = (m.predict({"x": x}, verbose=0)["kl"].mean() for m in (model, plain))
    assert 0 < kl < plain_kl - 0.5


def test_a_posterior_or_an_encoder_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="VampPrior needs a diagonal Gaussian"):
        models.conditional.build((6,), 2, (4,)).replace(prior=VampPrior(3))
    with pytest.raises(ValueError, match="by a new VampPrior"):
        build((6,), 2, (4,), n_pseudo_inputs=3).replace(posterior=DiagonalGaussian(2))
