"""Files written before models had four components: the script in saved/ wrote them."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import models

SAVED = Path(__file__).parent / "saved"
EXPECTED = json.loads((SAVED / "expected.json").read_text())["models"]
REPORTED = ("loss", "log_likelihood", "kl")


def inputs_of(model):
    """As the script made them."""
    rng = np.random.default_rng(0)
    n, shape = 24, model.input["x"].shape[1:]
    pattern = rng.random((2, *shape)) < 0.5
    x = np.abs(pattern[np.arange(n) % 2] - rng.uniform(0, 0.2, (n, *shape)))
    others = {
        "prior_mean": rng.normal(size=(n, 2)),
        "prior_precision": rng.gamma(2.0, size=(n, 2)),
    }
    if "label" in model.input:
        is_vector = len(model.input["label"].shape) > 1
        others["label"] = rng.normal(size=(n, 2)) if is_vector else np.arange(n) % 3
    return {name: np.float32({"x": x, **others}[name]) for name in model.input}


@pytest.mark.parametrize("name", list(EXPECTED))
def test_a_saved_model_has_the_same_latents_and_reconstructions(name):
    model, expected = models.load(SAVED / f"{name}.keras"), EXPECTED[name]
    inputs = inputs_of(model)
    label = inputs.get("label")
    z_mean, z_log_var = model.encode(inputs["x"], label)
    np.testing.assert_allclose(z_mean, expected["z_mean"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(z_log_var, expected["z_log_var"], rtol=1e-4, atol=1e-5)
    x_mean = model.decode(z_mean, label).sum(axis=tuple(range(1, inputs["x"].ndim)))
    np.testing.assert_allclose(x_mean, expected["x_mean"], rtol=1e-4)
    assert model.steps_trained() == expected["iterations"]


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the noise is that of TensorFlow"
)
@pytest.mark.parametrize("name", list(EXPECTED))
def test_a_saved_model_evaluates_and_continues_to_the_same_numbers(name):
    """The optimiser's state and the stream of noise are those of the file too."""
    model, expected = models.load(SAVED / f"{name}.keras"), EXPECTED[name]
    inputs = inputs_of(model)
    for key in ("scores", "scores_after_one_more_epoch"):
        scores = model.evaluate(inputs, batch_size=24, verbose=0, return_dict=True)
        for reported in REPORTED:
            value = expected[key][reported]
            assert scores[reported] == pytest.approx(value, rel=1e-4, abs=1e-4), key
        model.fit(inputs, batch_size=8, epochs=1, verbose=0)
