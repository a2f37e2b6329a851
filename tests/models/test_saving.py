"""What a seed and a file keep, for everything in `VARIANTS`: all of it, bit for bit."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import models
from models import VARIANTS


def test_same_seed_same_training_bit_for_bit(make, train, name):
    first, second, other = (train(make(name, seed=s)) for s in (5, 5, 6))
    assert first == second
    assert first["loss"] != other["loss"]


@pytest.mark.parametrize("name", ["vanilla", "serket"])
def test_global_seed_decides_where_no_seed_is_given(make, train, name):
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        runs.append(train(make(name, seed=None)))
    assert runs[0] == runs[1]


def test_saved_and_loaded_is_the_same_and_goes_on_as_if_never_stopped(
    model, data, inputs_of, train, tmp_path
):
    model.compile(keras.optimizers.Adam(1e-2))  # has a state
    train(model)
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    inputs = inputs_of(model)
    before, after = (m.evaluate(inputs, verbose=0) for m in (model, again))
    np.testing.assert_allclose(after, before, rtol=1e-6)
    q, q_again = (m.encode(data, inputs.get("label")) for m in (model, again))
    np.testing.assert_array_equal(q, q_again)
    one, two = train(model), train(again)
    assert one == two


def test_the_files_load_in_a_process_that_imported_nothing_else(make, tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("one backend is enough for this, and a process takes seconds")
    paths = [tmp_path / f"{name}.keras" for name in VARIANTS]
    for path in paths:
        make(path.stem).save(path)
    code = "import models, sys\nfor path in sys.argv[1:]: print(models.load(path).name)"
    result = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True
    )
    assert result.stdout.split() == ["vae"] * len(paths), result.stderr


@pytest.mark.parametrize(
    "half, name",
    [("mixed_bfloat16", "serket"), *(("mixed_float16", name) for name in VARIANTS)],
)
def test_mixed_precision_trains_saves_and_keeps_its_policy(
    make, inputs_of, train, name, half, tmp_path
):
    def trained(policy):
        keras.mixed_precision.set_dtype_policy(policy)
        try:
            model = make(name, kl_weight=1.0)
            model.compile(keras.optimizers.Adam(1e-2))
        finally:
            keras.mixed_precision.set_dtype_policy("float32")
        return model, train(model, epochs=4)["loss"]

    (model, losses), (_, full) = map(trained, (half, "float32"))
    layers = {layer.name: layer for layer in model._flatten_layers()}
    assert layers["encoder_1"].compute_dtype == half[6:]
    np.testing.assert_allclose(losses, full, rtol=0.03)
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    inputs = inputs_of(model)
    before, after = (m.evaluate(inputs, verbose=0) for m in (model, again))
    np.testing.assert_allclose(after, before, rtol=1e-4)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive"])
def test_load_refuses_what_is_no_model(tmp_path, content):
    path = tmp_path / "model.keras"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="no model could be loaded"):
        models.load(path)


def test_load_refuses_a_model_of_another_zoo(tmp_path):
    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(ValueError, match="expected a VAE. Received: a Sequential"):
        models.load(path)
