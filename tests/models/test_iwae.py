"""The importance-weighted bound: against draws of NumPy and the exact log p(x)."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import models
from models.blocks.objectives import ImportanceWeighted
from models.variants.beta import with_kl_weight
from models.variants.iwae import build, importance_weighted, tighten
from models.variants.serket import with_prior_message
from tests import linear_gaussian as linear

N = 4000  # rows, all the same, so that their mean is an expectation


@pytest.fixture
def off_the_posterior():
    """A function: k -> a linear VAE with a poor q, and what it is made of."""

    def off_the_posterior(n_samples):
        rng = np.random.default_rng(1)
        model, w, b, x = linear.make(rng, n_samples=n_samples)
        linear.set_encoder(
            model, 0.3 * rng.normal(size=(2, 5)), rng.normal(size=2), np.zeros(2)
        )
        return model, w, b, x[:1]

    return off_the_posterior


def bound_of(model, x, **message):
    """The mean over N data of the model's objective, and its standard error."""
    inputs = {"x": np.repeat(x, N, axis=0)} | message
    elbo = model.predict(inputs, batch_size=N, verbose=0)["objective"].astype("float64")
    return elbo.mean(), elbo.std() / np.sqrt(N)


def bound_by_numpy(model, w, b, x, k, m, precision):
    """The same from log p(x, z) and log q(z|x) as SciPy has them."""
    mean, log_var = (a[0] for a in model.encode(x))
    z = stats.norm.rvs(mean, np.exp(log_var / 2), (N, k, 2), random_state=2)
    log_w = stats.norm.logpdf(x, z @ w.T + b, linear.SIGMA).sum(axis=-1)
    log_w += stats.norm.logpdf(z, m, precision**-0.5).sum(axis=-1)
    log_w -= stats.norm.logpdf(z, mean, np.exp(log_var / 2)).sum(axis=-1)
    bound = np.log(np.exp(log_w).mean(axis=1))
    return bound.mean(), bound.std() / np.sqrt(N)


@pytest.mark.parametrize("k", [2, 7])
@pytest.mark.parametrize("prior", [linear.NOTHING, linear.MESSAGE])
def test_it_is_the_k_sample_bound(off_the_posterior, k, prior):
    model, w, b, x = off_the_posterior(k)
    message = dict(zip(("prior_mean", "prior_precision"), prior, strict=True))
    message = {name: np.tile(value, (N, 1)) for name, value in message.items()}
    expected, its_error = bound_by_numpy(model, w, b, x, k, *prior)
    for order in (
        importance_weighted(with_prior_message(model)),
        with_prior_message(importance_weighted(model)),
    ):
        value, error = bound_of(order, x, **message)
        assert abs(value - expected) < 4 * np.hypot(error, its_error)
    if prior is linear.NOTHING:
        value, error = bound_of(importance_weighted(model), x)
        assert abs(value - expected) < 4 * np.hypot(error, its_error)


def test_it_rises_with_k_and_stays_below_log_p_x(off_the_posterior):
    bounds, errors = [], []
    for k in (1, 2, 10, 100):
        model, w, b, x = off_the_posterior(k)
        bound, error = bound_of(importance_weighted(model), x)
        bounds.append(bound)
        errors.append(error)
    assert np.all(np.diff(bounds) > 4 * np.hypot(errors[1:], errors[:-1]))
    evidence = linear.log_evidence(x, w, b, *linear.NOTHING)
    assert evidence - 0.3 < bounds[-1] < evidence + 4 * errors[-1]


def test_one_draw_is_the_vae_to_the_last_digit(data, rng):
    kwargs = dict(latent_dim=2, hidden_dims=(8,), seed=0)
    histories = []
    for variant in (models.iwae, models.bernoulli):
        model = variant.build((4, 3), n_samples=1, **kwargs)
        model.compile("adam")
        histories.append(model.fit(data, epochs=3, verbose=0).history)
    assert histories[0] == histories[1]
    terms = rng.normal(size=(4, 5)).astype("float32")
    value = ImportanceWeighted(0.5)(
        {"log_px": terms[:1], "kl": terms[1], "log_q": terms[2:3], "log_pz": terms[3:]}
    )
    expected = terms[0] - np.float32(0.5) * terms[1]
    np.testing.assert_array_equal(ops.convert_to_numpy(value["objective"]), expected)


def test_the_gradient_is_that_of_the_bound(rng):
    """d bound / d log p(x|z_i) = w_i / sum w, by central differences."""
    terms = rng.normal(size=(2, 6, 1)).astype("float32")
    objective, step = ImportanceWeighted(1.0), np.zeros((6, 1), "float32")
    step[2] = 1e-2
    zeros = np.zeros((6, 1), "float32")

    def bound(log_px):
        terms_of_z = {"log_q": terms[1], "log_pz": zeros, "kl": zeros[0]}
        return float(objective({"log_px": log_px, **terms_of_z})["objective"][0])

    slope = (bound(terms[0] + step) - bound(terms[0] - step)) / 2e-2
    w = np.exp(np.float64(terms[0] - terms[1]))[:, 0]
    assert slope == pytest.approx(w[2] / w.sum(), abs=1e-3)


def test_a_conditional_model_keeps_its_learned_prior(data):
    kwargs = dict(latent_dim=2, hidden_dims=(8,), seed=0, n_samples=6, n_labels=2)
    plain = models.conditional.build((4, 3), learned_prior=True, **kwargs)
    tight = importance_weighted(plain)
    label = np.arange(70) % 2
    tight.compile(keras.optimizers.Adam(0.01))
    history = tight.fit({"x": data, "label": label}, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    outs = [m.predict({"x": data, "label": label}, verbose=0) for m in (plain, tight)]
    for name in ("kl", "z_mean"):
        np.testing.assert_array_equal(outs[0][name], outs[1][name])
    assert outs[1]["objective"].mean() > outs[0]["objective"].mean()


@pytest.mark.parametrize("change", [importance_weighted, with_kl_weight])
def test_what_would_lose_the_objective_is_refused(change):
    with pytest.raises(ValueError, match="Received: .* ImportanceWeighted"):
        change(build((4,), 2, (4,), seed=0))


def test_the_old_name_works_with_a_warning():
    with pytest.warns(FutureWarning, match="models.iwae.tighten is now"):
        tighten(models.bernoulli.build((4,), 2, (4,), n_samples=2))
