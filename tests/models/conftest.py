"""What these tests share: small data, and a small model of every variant."""

import keras
import numpy as np
import pytest

from models import VARIANTS


@pytest.fixture(scope="session")
def patterns():
    """A function that makes two patterns of 0 and 1 with noise, 70 times, in [0, 1]."""

    def patterns(*input_shape):
        rng = np.random.default_rng(0)
        pattern = (rng.random((2, *input_shape)) < 0.5).astype("float32")
        noise = rng.uniform(0, 0.2, (70, *input_shape)).astype("float32")
        return np.abs(pattern[np.arange(70) % 2] - noise)

    return patterns


@pytest.fixture(scope="session")
def data(patterns):
    """What the models are made for, (70, 4, 3)."""
    return patterns(4, 3)


@pytest.fixture(params=list(VARIANTS))
def name(request):
    return request.param


@pytest.fixture(scope="session")
def make():
    """A function that makes a small model, always the same.

    It is compiled with SGD, which TensorFlow traces in a third of the time of Adam.
    """

    def make(name="bernoulli", input_shape=(4, 3), **kwargs):
        kwargs = {"latent_dim": 2, "hidden_dims": (8,), "seed": 0} | kwargs
        model = VARIANTS[name](input_shape, **kwargs)
        model.compile(keras.optimizers.SGD(0.05))
        return model

    return make


@pytest.fixture
def model(make, name):
    return make(name)


@pytest.fixture(scope="session")
def inputs_of(data):
    """A function that gives a model x, and where it takes them labels or a message."""

    def inputs_of(model, x=data):
        rng = np.random.default_rng(1)
        shape = (len(x), model.latent_dim)
        others = {
            "label": np.arange(len(x)) % 2,
            "prior_mean": rng.normal(size=shape).astype("float32"),
            "prior_precision": rng.gamma(2.0, size=shape).astype("float32"),
        }
        return {"x": x} | {name: others[name] for name in model.input if name != "x"}

    return inputs_of


@pytest.fixture(scope="session")
def train(data, inputs_of):
    """A function that fits a model, and returns the history."""

    def train(model, epochs=2, x=data, **kwargs):
        kwargs = {"batch_size": 32, "verbose": 0} | kwargs
        return model.fit(inputs_of(model, x), epochs=epochs, **kwargs).history

    return train


@pytest.fixture(scope="session")
def kernels():
    """A function that lists the kernels of `encoder` or `decoder`, by layer.

    Those of the encoder include the heads of q(z|x).
    """

    def kernels(model, half):
        weights = model.get_layer(half).weights
        weights = weights + (model.posterior.weights if half == "encoder" else [])
        return {
            weight.path.split("/")[-2]: keras.ops.convert_to_numpy(weight)
            for weight in weights
            if weight.path.endswith("/kernel")
        }

    return kernels
