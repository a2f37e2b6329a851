"""Models that are told a prior for each datum."""

import keras
import numpy as np
import pytest

from models.blocks.model import VAE
from models.variants.serket import listen


def nothing_said(n=70):
    return {"prior_mean": np.zeros((n, 2)), "prior_precision": np.ones((n, 2))}


@pytest.mark.parametrize("name", ["vanilla", "bernoulli"])
def test_listening_to_nothing_is_the_deaf_twins_history(make, data, name):
    deaf = make(name)
    hearing = listen(make(name))
    hearing.compile(keras.optimizers.SGD(0.05))
    kwargs = dict(batch_size=32, epochs=5, verbose=0)
    one = deaf.fit({"x": data}, **kwargs).history
    two = hearing.fit({"x": data} | nothing_said(), **kwargs).history
    for key in one:
        np.testing.assert_allclose(two[key], one[key], rtol=1e-5)


def test_a_message_moves_the_latents_to_the_prior_mean(make, data):
    model = make("serket", kl_weight=100.0)
    message = np.where(np.arange(70)[:, None] % 2, 2.0, -2.0) * np.ones((70, 2))
    x = data * 0.1 + (np.arange(70) % 2)[:, None, None] * 0.8
    inputs = {"x": x, "prior_mean": message, "prior_precision": np.ones((70, 2))}
    model.compile(keras.optimizers.Adam(0.05))
    model.fit(inputs, epochs=100, batch_size=70, verbose=0)
    z_mean, z_log_var = model.encode(x)
    np.testing.assert_allclose(z_mean, message, atol=0.3)
    np.testing.assert_allclose(np.exp(z_log_var), 1.0, atol=0.2)


def test_a_model_that_listens_already_is_refused(make):
    with pytest.raises(ValueError, match="model listens already"):
        listen(make("serket"))


def test_a_model_that_cannot_listen_is_refused_with_the_reason():
    """A model of the class VAE whose KL is not a Gaussian's."""
    x = keras.Input((3,), name="x")
    kl = keras.layers.Dense(1, name="kl")(x)
    outputs = {"elbo": kl, "log_likelihood": kl, "kl": kl, "x_mean": x}
    with pytest.raises(
        ValueError, match="cannot listen: .* posterior must be Gaussian"
    ):
        listen(VAE({"x": x}, outputs))
