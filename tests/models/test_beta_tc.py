"""The beta-TC VAE: its estimate of the total correlation."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import models
from models.variants.beta_tc import TotalCorrelation, build


def objective(n_rows=1, beta=6.0):
    layer = TotalCorrelation(beta=beta)
    layer(terms(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2))))
    layer.start_fit(n_rows)
    return layer


def terms(z, mean, log_var):
    z, mean, log_var = (np.float32(a) for a in (z, mean, log_var))
    zeros = np.zeros(len(z), "float32")
    q = {"z": z[None], "z_mean": mean, "z_log_var": log_var}
    return q | {"log_px": zeros[None], "kl": zeros}


def test_the_estimate_of_q_z_is_unbiased_over_all_batches():
    """All ordered batches of 3 of 5 rows that start with the row z came from."""
    layer, density = objective(n_rows=5), np.array([0.7, 0.1, 0.4, 0.25, 0.05])
    weights = ops.convert_to_numpy(layer.row_weights(3))[0]
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-6)
    batches = [(0, *rest) for rest in itertools.permutations(range(1, 5), 2)]
    estimates = [weights @ density[list(batch)] for batch in batches]
    assert np.mean(estimates) == pytest.approx(density.mean(), rel=1e-6)


def test_the_total_correlation_of_correlated_latents_is_the_closed_form():
    """q(z) is about N(0, C) where the means are draws from N(0, C - s^2 I)."""
    rng = np.random.default_rng(0)
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    mean = rng.multivariate_normal([0, 0], covariance - 0.1 * np.eye(2), 2000)
    z = mean + np.sqrt(0.1) * rng.normal(size=mean.shape)
    log_var = np.full(mean.shape, np.log(0.1))
    found = objective(n_rows=2000)(terms(z, mean, log_var))["total_correlation"]
    expected = -0.5 * np.log(np.linalg.det(covariance))
    assert np.mean(ops.convert_to_numpy(found)) == pytest.approx(expected, abs=0.06)


def test_beta_weights_the_total_correlation_and_one_is_the_vae():
    x = np.random.default_rng(0).random((64, 6)).astype("float32")
    outs = {}
    for beta in (1.0, 3.0):
        model = build((6,), 2, (8,), beta=beta, seed=0)
        outs[beta] = model.predict({"x": x}, batch_size=64, verbose=0)
    plain = models.bernoulli.build((6,), 2, (8,), seed=0)
    elbo = plain.predict({"x": x}, batch_size=64, verbose=0)["objective"]
    np.testing.assert_allclose(outs[1.0]["objective"], elbo, rtol=1e-5)
    expected = elbo - 2 * outs[3.0]["total_correlation"]
    np.testing.assert_allclose(outs[3.0]["objective"], expected, rtol=1e-4)


def test_fit_tells_it_the_number_of_rows_and_the_file_keeps_it(tmp_path):
    x = np.random.default_rng(0).random((50, 6)).astype("float32")
    model = build((6,), 2, (8,), seed=0)
    model.compile(keras.optimizers.SGD(0.01))
    model.fit(x, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    for one in (model, models.load(tmp_path / "model.keras")):
        assert ops.convert_to_numpy(one.objective.n_rows) == 50
    model.fit(x, validation_split=0.2, epochs=1, verbose=0)
    assert ops.convert_to_numpy(model.objective.n_rows) == 40


def test_a_posterior_of_unknown_density_is_refused():
    flow = models.iaf.build((6,), 2, (4,))
    with pytest.raises(ValueError, match="needs a diagonal Gaussian posterior"):
        flow.replace(objective=TotalCorrelation())
