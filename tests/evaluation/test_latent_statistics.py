"""The statistics of latents, for Gaussian and other posteriors and priors."""

import numpy as np
import pytest

from models.blocks.likelihoods import Bernoulli
from models.blocks.objectives import ELBO
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import StandardNormal
from models.blocks.vae import assemble
from models.evaluation.latent_statistics import encode_statistics, latent_scale
from models.networks import MLP, NetworkConfig
from tests.other_components import LaplacePrior, SinhPosterior


def build(posterior, prior):
    network = NetworkConfig((6,), 3, (8,), "relu", 0, MLP())
    return assemble(network, posterior, prior, Bernoulli(), ELBO())


@pytest.fixture
def x(rng):
    return rng.uniform(size=(50, 6)).astype("float32")


def test_gaussians_are_measured_by_their_kl(x):
    vae = build(DiagonalGaussian(), StandardNormal())
    z_mean, z_log_var = vae.encode(x)
    found = encode_statistics(vae, x)
    kl = (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var) / 2
    assert found.measure == "KL"
    np.testing.assert_allclose(found.relevance, kl.mean(axis=0), rtol=1e-4)
    np.testing.assert_array_equal(found.z, z_mean)


@pytest.mark.parametrize(
    ("posterior", "prior"),
    [(SinhPosterior, StandardNormal), (DiagonalGaussian, LaplacePrior)],
)
def test_others_are_measured_by_their_standard_deviation(x, posterior, prior):
    vae = build(posterior(), prior())
    found, z = encode_statistics(vae, x), vae.latents(x)
    assert found.measure == "sd"
    np.testing.assert_array_equal(found.z, z)
    np.testing.assert_allclose(found.relevance, z.std(axis=0))


def test_the_scale_is_that_of_a_gaussian_prior_or_else_of_the_latents(x):
    z = np.random.default_rng(0).normal(3, 2, (100, 3))
    mean, scale, source = latent_scale(build(SinhPosterior(), StandardNormal()), z)
    assert source == "prior"
    np.testing.assert_array_equal([mean, scale], [[0] * 3, [1] * 3])
    mean, scale, source = latent_scale(build(SinhPosterior(), LaplacePrior()), z)
    assert source == "latents"
    np.testing.assert_allclose([mean, scale], [z.mean(axis=0), z.std(axis=0)])
