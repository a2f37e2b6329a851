"""The noise of `evaluate`: independent between batches, the same in each call."""

import numpy as np
import pytest

from models.evaluation.scores import mean_objective
from tests.linear_gaussian import LATENT, NOTHING, SIGMA, make, set_exact_posterior

N = 1000


@pytest.fixture(scope="module")
def one_row():
    """A model, one row N times, and E_q[log p(x|z)] with its standard deviation."""
    model, w, b, x = make(np.random.default_rng(0))
    set_exact_posterior(model, w, b, *NOTHING)
    model.compile("sgd")
    mean, log_var = (part[0].astype(float) for part in model.encode(x[:1]))
    noise = np.random.default_rng(1).standard_normal((200_000, LATENT))
    residual = x[0] - b - (mean + np.exp(log_var / 2) * noise) @ w.T
    log_px = -0.5 * np.sum(residual**2 / SIGMA**2 + np.log(2 * np.pi * SIGMA**2), 1)
    kl = 0.5 * np.sum(np.exp(log_var) + mean**2 - 1 - log_var)
    x = np.repeat(x[:1], N, axis=0).astype("float32")
    return model, x, log_px.mean(), log_px.std() / np.sqrt(N), kl


@pytest.mark.parametrize("batch_size", [1, 8])
def test_batches_have_independent_noise(one_row, batch_size):
    """The error is that of N draws; one draw for all batches is off by far more."""
    model, x, expected, error, kl = one_row
    terms = model.evaluate({"x": x}, batch_size=batch_size, verbose=0, return_dict=True)
    assert terms["log_likelihood"] == pytest.approx(expected, abs=4 * error)
    objective = mean_objective(model, x, batch_size=batch_size)
    assert objective == pytest.approx(expected - kl, abs=4 * error)
    predicted = model.predict({"x": x}, batch_size=batch_size, verbose=0)
    assert len(np.unique(predicted["z"][:, 0])) == N


def test_the_noise_is_the_same_whatever_was_called_before(one_row):
    model, x, *_ = one_row
    results = []
    for rows in (64, 200):
        results.append(model.evaluate({"x": x}, batch_size=64, verbose=0))
        results.append(mean_objective(model, x, batch_size=64))
        model.predict({"x": x[:rows]}, verbose=0)
        model.test_on_batch({"x": x[:rows]})
        model({"x": x[:rows]})
    assert results[:2] == results[2:]
