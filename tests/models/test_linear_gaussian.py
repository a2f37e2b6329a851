"""The defining property: ELBO <= log p(x), with equality at the exact posterior."""

import numpy as np
import pytest
from keras import ops

import models
from models.blocks.densities import gaussian_kl
from models.variants.serket import with_prior_message
from tests.linear_gaussian import (
    DIM,
    LATENT,
    MESSAGE,
    NOTHING,
    SIGMA,
    log_evidence,
    make,
    set_encoder,
    set_exact_posterior,
)

DRAWS = 4000


@pytest.fixture
def linear(rng):
    return make(rng)


def elbo(model, x, message=None):
    """The mean of the ELBO over many draws of z, and its standard error, each (3,)."""
    inputs = {"x": np.repeat(x, DRAWS, axis=0)}
    if message is not None:
        inputs |= {k: np.tile(v, (len(x) * DRAWS, 1)) for k, v in message.items()}
    draws = model.predict(inputs, batch_size=len(inputs["x"]), verbose=0)["objective"]
    draws = draws.astype("float64").reshape(len(x), DRAWS)
    return draws.mean(axis=1), draws.std(axis=1) / np.sqrt(DRAWS)


def test_the_elbo_reaches_log_p_x_at_the_exact_posterior(linear):
    model, w, b, x = linear
    set_exact_posterior(model, w, b, *NOTHING)
    mean, error = elbo(model, x)
    assert np.all(np.abs(mean - log_evidence(x, w, b, *NOTHING)) < 4 * error)


def test_with_a_message_it_reaches_log_p_x_under_the_messages_prior(linear):
    model, w, b, x = linear
    set_exact_posterior(model, w, b, *MESSAGE)
    message = dict(zip(("prior_mean", "prior_precision"), MESSAGE, strict=True))
    mean, error = elbo(with_prior_message(model), x, message)
    assert np.all(np.abs(mean - log_evidence(x, w, b, *MESSAGE)) < 4 * error)


@pytest.mark.parametrize("seed", range(5))
def test_the_elbo_never_exceeds_log_p_x_and_the_gap_is_the_kl_to_the_posterior(
    linear, seed
):
    """log p(x) - ELBO = KL(q(z|x) || p(z|x)), by the function tested elsewhere."""
    model, w, b, x = linear
    rng = np.random.default_rng(seed)
    matrix, offset, log_var = (
        rng.normal(scale=0.5, size=size) for size in ((LATENT, DIM), LATENT, LATENT)
    )
    set_encoder(model, matrix, offset, log_var)
    precision = 1 + (w**2).sum(axis=0) / SIGMA**2
    posterior_mean = (x - b) @ w / SIGMA**2 / precision
    arrays = x @ matrix.T + offset, np.tile(log_var, (3, 1)), posterior_mean
    arrays = [ops.convert_to_tensor(a) for a in (*arrays, np.tile(precision, (3, 1)))]
    gap = ops.convert_to_numpy(gaussian_kl(*arrays))
    mean, error = elbo(model, x)
    evidence = log_evidence(x, w, b, *NOTHING)
    assert np.all(mean < evidence + 4 * error)
    assert np.all(np.abs(evidence - mean - gap) < 4 * error)


def test_the_best_learned_sigma_is_the_root_mean_squared_error(linear):
    """d loss / d sigma = 0 at sigma^2 = E_q |x - x_mean|^2 / d, in closed form."""
    _, _, _, x = linear
    model = models.vanilla.build((DIM,), LATENT, (), sigma=None, seed=0)
    model.compile("adam")
    x = np.tile(x, (10, 1))
    z = model.predict({"x": x}, batch_size=30, verbose=0)["z"]
    best = np.log(np.sqrt(np.mean((x - model.decode(z)) ** 2)))
    losses = []
    for log_sigma in (best - 0.05, best, best + 0.05):
        model.likelihood.log_sigma.assign(log_sigma)
        result = model.evaluate({"x": x}, batch_size=30, verbose=0, return_dict=True)
        losses.append(result["loss"])
    assert losses[1] < min(losses[0], losses[2])
    assert losses[0] - losses[1] == pytest.approx(losses[2] - losses[1], rel=0.15)
