"""log p(x) by importance sampling, against models whose log p(x) is known."""

import numpy as np
import pytest
from scipy import stats

import models
from models.evaluation.log_likelihood import likelihood
from models.evaluation.mixture import Mixture
from tests import linear_gaussian as linear


@pytest.fixture
def off_the_posterior():
    """A linear VAE with a poor q, and what it is made of."""
    rng = np.random.default_rng(1)
    model, *others = linear.make(rng)
    matrix = 0.3 * rng.normal(size=(2, 5))
    linear.set_encoder(model, matrix, rng.normal(size=2), np.zeros(2))
    return model, *others


@pytest.mark.parametrize("rows", [64, 4096])
def test_it_is_log_p_x_to_three_standard_errors(off_the_posterior, rows):
    model, w, b, x = off_the_posterior
    result = likelihood(model, x, n_samples=20_000, seed=1, rows=rows)
    exact = linear.log_evidence(x, w, b, *linear.NOTHING)
    assert np.all(np.abs(result.log_px - exact) < 3 * result.error)
    assert abs(np.mean(result.log_px - exact)) < 3 * result.mean_error
    assert np.all(result.error < 0.1)


def test_the_standard_error_is_the_spread_over_runs(off_the_posterior):
    model, _, _, x = off_the_posterior
    runs = [likelihood(model, x, n_samples=2000, seed=s) for s in range(40)]
    spread = np.std([run.log_px for run in runs], axis=0)
    stated = np.median([run.error for run in runs], axis=0)
    np.testing.assert_allclose(stated, spread, rtol=0.4)


def test_its_expectation_never_falls_with_the_number_of_draws(off_the_posterior):
    model, w, b, x = off_the_posterior
    x = np.repeat(x[:1], 3000, axis=0)  # each datum is a run
    draws = (1, 2, 5, 20, 200)
    runs = [likelihood(model, x, n_samples=k).log_px for k in draws]
    means = np.array([run.mean() for run in runs])
    errors = np.array([run.std() for run in runs]) / np.sqrt(len(x))
    assert np.all(np.diff(means) > 4 * np.hypot(errors[1:], errors[:-1]))
    evidence = linear.log_evidence(x[:1], w, b, *linear.NOTHING)
    assert np.all(means < evidence + 4 * errors)


def test_its_terms_are_those_of_evaluate(off_the_posterior):
    model, _, _, x = off_the_posterior
    result = likelihood(model, x, n_samples=20_000)
    out = model.predict(
        {"x": np.repeat(x, 20_000, axis=0)}, batch_size=60_000, verbose=0
    )
    np.testing.assert_allclose(result.kl, out["kl"][::20_000], rtol=1e-5)
    expected = out["log_likelihood"].reshape(3, -1).mean(axis=1)
    np.testing.assert_allclose(result.log_likelihood, expected, rtol=0.02)
    np.testing.assert_allclose(result.elbo, result.log_likelihood - result.kl)
    assert np.all(result.elbo < result.log_px)


def test_another_prior_a_mixture(off_the_posterior):
    """With p(z) a mixture of Gaussians, p(x) is one too."""
    model, w, b, x = off_the_posterior
    means = np.array([[0.5, -0.5], [-1.0, 1.0]])
    precisions = np.array([[[2.0, 0.4], [0.4, 1.0]], [[1.0, 0.0], [0.0, 3.0]]])
    mixture = Mixture(np.array([0.3, 0.7]), means, precisions)
    result = likelihood(model, x, n_samples=20_000, log_prior=mixture.log_prob)
    noise = linear.SIGMA**2 * np.eye(5)
    p = sum(
        weight
        * stats.multivariate_normal(w @ m + b, w @ np.linalg.inv(s) @ w.T + noise).pdf(
            x
        )
        for weight, m, s in zip(mixture.weights, means, precisions, strict=True)
    )
    assert np.all(np.abs(result.log_px - np.log(p)) < 3 * result.error)
    assert np.all(result.elbo < np.log(p))


def test_a_conditional_model_with_a_prior_of_its_own():
    """Its ELBO is what `evaluate` gives, and log p(x|y) lies above it."""
    x = (np.random.default_rng(0).random((40, 6)) < 0.5).astype("float32")
    x, label = np.tile(x, (50, 1)), np.arange(2000) % 2
    model = models.conditional.build(
        (6,), 2, (8,), n_labels=2, learned_prior=True, seed=0
    )
    model.compile("sgd")
    terms = model.evaluate({"x": x, "label": label}, verbose=0, return_dict=True)
    result = likelihood(model, x, label, n_samples=300)
    assert result.kl.mean() == pytest.approx(terms["kl"], rel=1e-5)
    assert result.log_likelihood.mean() == pytest.approx(
        terms["log_likelihood"], rel=0.02
    )
    assert result.log_px.mean() > result.elbo.mean()


def test_one_draw_has_no_known_error(off_the_posterior):
    model, _, _, x = off_the_posterior
    assert np.isnan(likelihood(model, x, n_samples=1).error).all()
