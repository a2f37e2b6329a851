"""log p(x) by importance sampling, against models whose log p(x) is known."""

import numpy as np
import pytest
from keras import ops
from scipy import integrate, stats
from sklearn.mixture import GaussianMixture

import models
from models.blocks.component import register
from models.blocks.likelihoods import Gaussian
from models.blocks.objectives import ELBO
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import MixturePrior
from models.blocks.vae import assemble
from models.evaluation import log_likelihood
from models.evaluation.log_likelihood import estimate_log_px
from models.evaluation.scores import MAX_SHARE, bounds
from models.networks import MLP, NetworkConfig
from tests import linear_gaussian as linear
from tests.other_components import LaplacePrior, SinhPosterior


@pytest.fixture(scope="module")
def poor_posterior():
    """A linear VAE with a poor q(z|x), and its parameters."""
    rng = np.random.default_rng(1)
    vae, *others = linear.make(rng)
    matrix = 0.3 * rng.normal(size=(2, 5))
    linear.set_encoder(vae, matrix, rng.normal(size=2), np.zeros(2))
    return vae, *others


# --- The linear-Gaussian model --------------------------------------------------------


@pytest.mark.parametrize("max_rows", [64, 4096])
def test_it_is_log_p_x_within_three_standard_errors(
    poor_posterior, max_rows, monkeypatch
):
    monkeypatch.setattr(log_likelihood, "MAX_ROWS", max_rows)
    vae, w, b, x = poor_posterior
    terms = estimate_log_px(vae, x, n_samples=20_000, seed=1)
    exact = linear.log_evidence(x, w, b, *linear.NOTHING)
    assert np.all(np.abs(terms.log_px - exact) < 3 * terms.mc_se)
    assert abs(np.mean(terms.log_px - exact)) < 3 * terms.mean_mc_se
    assert np.all(terms.mc_se < 0.1)


def test_with_the_exact_posterior_every_weight_is_p_x():
    rng = np.random.default_rng(1)
    vae, w, b, x = linear.make(rng)
    linear.set_exact_posterior(vae, w, b, *linear.NOTHING)
    terms = estimate_log_px(vae, x, n_samples=7)
    exact = linear.log_evidence(x, w, b, *linear.NOTHING)
    np.testing.assert_allclose(terms.log_px, exact, rtol=1e-5)
    np.testing.assert_allclose(terms.elbo, exact, atol=0.5)  # E_q of 7 samples
    np.testing.assert_allclose(terms.ess, 7, rtol=1e-4)


def test_the_standard_error_is_the_spread_over_seeds(poor_posterior):
    """Each copy of a row is a run of its own."""
    vae, _, _, x = poor_posterior
    terms = estimate_log_px(vae, np.repeat(x, 200, axis=0), n_samples=1000)
    spread = terms.log_px.reshape(3, 200).std(axis=1)
    stated = np.median(terms.mc_se.reshape(3, 200), axis=1)
    np.testing.assert_allclose(stated, spread, rtol=0.25)


def test_its_expectation_rises_with_the_number_of_samples(poor_posterior):
    vae, w, b, x = poor_posterior
    x = np.repeat(x[:1], 2000, axis=0)
    counts = (1, 2, 5, 20, 200)
    runs = [estimate_log_px(vae, x, n_samples=k).log_px for k in counts]
    means = np.array([run.mean() for run in runs])
    errors = np.array([run.std() for run in runs]) / np.sqrt(len(x))
    assert np.all(np.diff(means) > 4 * np.hypot(errors[1:], errors[:-1]))
    evidence = linear.log_evidence(x[:1], w, b, *linear.NOTHING)
    assert np.all(means < evidence + 4 * errors)


def test_its_terms_are_those_of_the_model(poor_posterior):
    vae, _, _, x = poor_posterior
    terms = estimate_log_px(vae, x, n_samples=20_000)
    inputs = {"x": np.repeat(x, 20_000, axis=0)}
    outputs = vae.predict(inputs, batch_size=60_000, verbose=0)
    np.testing.assert_allclose(terms.kl, outputs["kl"][::20_000], rtol=1e-5)
    expected = outputs["log_likelihood"].reshape(3, -1).mean(axis=1)
    np.testing.assert_allclose(terms.log_likelihood, expected, rtol=0.02)
    assert np.all(terms.elbo < terms.log_px)


def test_the_seed_decides_the_samples(poor_posterior):
    vae, _, _, x = poor_posterior
    one, same, other = (estimate_log_px(vae, x, n_samples=9, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(one.log_px, same.log_px)
    assert not np.isclose(one.log_px, other.log_px).any()


def test_samples_of_one_row_differ_between_chunks(poor_posterior, monkeypatch):
    """A repeated chunk would look like many samples, and not be."""
    monkeypatch.setattr(log_likelihood, "MAX_ROWS", 2)
    vae, _, _, x = poor_posterior
    terms = estimate_log_px(vae, x[:1], n_samples=4)
    once = estimate_log_px(vae, x[:1], n_samples=2)
    assert not np.isclose(terms.log_px, once.log_px, rtol=1e-6)


def test_it_leaves_the_model_as_it_was(poor_posterior):
    vae, _, _, x = poor_posterior
    names, weights = [layer.name for layer in vae.layers], vae.get_weights()
    state = np.array(vae.posterior.seed_generator.state)
    estimate_log_px(vae, x, n_samples=3)
    assert [layer.name for layer in vae.layers] == names
    for before, after in zip(weights, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(state, vae.posterior.seed_generator.state)


def test_another_prior_a_mixture(poor_posterior):
    """With p(z) a mixture of Gaussians, p(x) is one too."""
    vae, w, b, x = poor_posterior
    mixture = GaussianMixture(2)
    mixture.weights_ = np.array([0.3, 0.7])
    mixture.means_ = np.array([[0.5, -0.5], [-1.0, 1.0]])
    covariances = np.array([[[0.6, 0.2], [0.2, 1.0]], [[1.0, 0.0], [0.0, 0.4]]])
    mixture.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(covariances))
    log_prior = mixture.score_samples
    terms = estimate_log_px(vae, x, n_samples=20_000, log_prior=log_prior)
    noise = linear.SIGMA**2 * np.eye(5)
    p = sum(
        weight * stats.multivariate_normal(w @ m + b, w @ s @ w.T + noise).pdf(x)
        for weight, m, s in zip(
            mixture.weights_, mixture.means_, covariances, strict=True
        )
    )
    assert np.all(np.abs(terms.log_px - np.log(p)) < 3 * terms.mc_se)
    assert np.all(terms.elbo < np.log(p))


# --- Other components -----------------------------------------------------------------


@register
class TwoGaussians(MixturePrior):
    """w = (.3, .7), means -1 and 2, precisions 2 and .5 in each dimension."""

    def components(self):
        means = ops.outer(ops.convert_to_tensor([-1.0, 2.0]), ops.ones(self.latent_dim))
        ones = ops.ones((2, self.latent_dim))
        precisions = ones * ops.convert_to_tensor([[2.0], [0.5]])
        return ops.log(ops.convert_to_tensor([0.3, 0.7])), means, precisions


def two_gaussians(z):
    return 0.3 * stats.norm.pdf(z, -1, 2**-0.5) + 0.7 * stats.norm.pdf(z, 2, 2**0.5)


PRIORS = {LaplacePrior: stats.laplace.pdf, TwoGaussians: two_gaussians}


def log_px_by_integration(vae, x, prior_density):
    """log of the integral of p(x|z) p(z) over a grid of z, one-dimensional."""
    z = np.linspace(-30, 30, 20_001)
    x_mean = vae.decode(z[:, None])
    log_p = stats.norm.logpdf(x[:, None], x_mean[None], 1.0).sum(axis=-1)
    return np.log(integrate.simpson(np.exp(log_p) * prior_density(z), x=z))


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("posterior", [SinhPosterior, DiagonalGaussian])
def test_it_is_numerical_integration_for_any_posterior_and_prior(rng, posterior, prior):
    network = NetworkConfig((3,), 1, (4,), "tanh", 0, MLP())
    vae = assemble(network, posterior(), prior(), Gaussian(1.0), ELBO())
    vae.decoder.set_weights([2 * w for w in vae.decoder.get_weights()])
    width = [*vae.posterior.heads.values()][1]  # wide enough for even weights
    width.set_weights([width.get_weights()[0], np.full(1, 1.5)])
    x = rng.normal(size=(4, 3)).astype("float32")
    terms = estimate_log_px(vae, x, n_samples=20_000)
    exact = log_px_by_integration(vae, x, PRIORS[prior])
    assert np.all(terms.mc_se < 0.1)
    assert np.all(np.abs(terms.log_px - exact) < 4 * terms.mc_se)
    assert np.all(terms.elbo < exact)


def test_a_conditional_model_with_a_learned_prior():
    """Its ELBO is what `evaluate` gives, and log p(x|y) is above it."""
    x = (np.random.default_rng(0).random((40, 6)) < 0.5).astype("float32")
    x, label = np.tile(x, (50, 1)), np.arange(2000) % 2
    vae = models.conditional.build(
        (6,), 2, (8,), n_labels=2, learned_prior=True, seed=0
    )
    means, precisions = vae.prior.mean, vae.prior.precision
    means.set_weights([np.array([[1.0, -1.0], [0.0, 2.0]]), np.zeros(2)])
    precisions.set_weights([np.array([[0.3, 0.0], [0.5, -0.2]]), np.zeros(2)])
    vae.compile("sgd")
    expected = vae.evaluate({"x": x, "label": label}, verbose=0, return_dict=True)
    terms = estimate_log_px(vae, x, label, n_samples=300)
    assert terms.kl.mean() == pytest.approx(expected["kl"], rel=1e-5)
    log_likelihood = pytest.approx(expected["log_likelihood"], rel=0.02)
    assert terms.log_likelihood.mean() == log_likelihood
    assert terms.log_px.mean() > terms.elbo.mean()


# --- Effective sample size ------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow_posterior():
    """log p(x) = -const, exactly: p(x|z) does not depend on z, and q is far narrower.

    Its 40 dimensions have 0.6 of the standard deviation of p(z).
    """
    vae = models.vanilla.build((1,), 40, (), seed=0)
    vae.decoder.set_weights([0 * w for w in vae.decoder.get_weights()])
    heads = vae.posterior.heads
    for name, value in {"z_mean": 0.0, "z_log_var": 2 * np.log(0.6)}.items():
        heads[name].set_weights([np.zeros((1, 40)), np.full(40, value)])
    return vae, stats.norm.logpdf(0.0)


def test_effective_sample_size_of_normalised_weights(narrow_posterior):
    """1 / sum v^2, from the densities of the samples by SciPy."""
    vae, exact = narrow_posterior
    drawn = []

    def log_prior(z):
        drawn.append(z)
        return stats.norm.logpdf(z).sum(axis=1)

    terms = estimate_log_px(vae, np.zeros((1, 1)), n_samples=50, log_prior=log_prior)
    z = np.concatenate(drawn)
    w = np.exp((stats.norm.logpdf(z) - stats.norm.logpdf(z, 0, 0.6)).sum(axis=1))
    v = w / w.sum()
    np.testing.assert_allclose(terms.ess, 1 / (v**2).sum(), rtol=1e-4)
    np.testing.assert_allclose(terms.log_px, exact + np.log(w.mean()), rtol=1e-4)


def test_where_few_samples_carry_the_weight_there_is_a_warning(narrow_posterior):
    """There the printed error is far below the spread over seeds, log p(x) too low."""
    vae, exact = narrow_posterior
    terms = estimate_log_px(vae, np.zeros((300, 1)), n_samples=500)
    spread, printed = terms.log_px.std(), np.sqrt(np.mean(terms.mc_se**2))
    assert spread > 1.5 * printed and terms.log_px.mean() < exact - 0.5
    scores = bounds(terms)
    assert scores["log_px_warning"].startswith("effective sample size < 10 for")
    assert scores["ess"]["share_below_10"] > MAX_SHARE
    assert scores["ess"]["min"] == terms.ess.min() >= 1


def test_where_the_weights_are_even_there_is_no_warning(poor_posterior):
    vae, _, _, x = poor_posterior
    scores = bounds(estimate_log_px(vae, x[:1], n_samples=1000))
    assert scores["log_px_warning"] is None and scores["ess"]["share_below_10"] == 0
    assert 10 < scores["ess"]["median"] < 1000


def test_one_sample_has_no_known_error(poor_posterior):
    vae, _, _, x = poor_posterior
    terms = estimate_log_px(vae, x, n_samples=1)
    assert np.isnan(terms.mc_se).all() and bounds(terms)["log_px_mc_se"] is None
    np.testing.assert_allclose(terms.ess, 1)


@pytest.mark.parametrize("n_samples", [0, 2.5])
def test_a_wrong_number_of_samples_is_refused(poor_posterior, n_samples):
    vae, _, _, x = poor_posterior
    with pytest.raises(ValueError, match=f"n_samples .*{n_samples}"):
        estimate_log_px(vae, x, n_samples=n_samples)
