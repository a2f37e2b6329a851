"""A seed and a file reproduce everything, bit for bit, for every variant."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import models
from models import VARIANTS


def test_the_seed_decides_the_initial_weights(make, name):
    one, two, other = (make(name, seed=seed).get_weights() for seed in (5, 5, 6))
    assert all(map(np.array_equal, one, two))
    assert not all(map(np.array_equal, one, other))


def test_the_same_seed_trains_the_same_and_another_does_not(make, train):
    one, two, other = (train(make("vanilla", seed=seed)) for seed in (5, 5, 6))
    assert one == two
    assert one["loss"] != other["loss"]


@pytest.mark.parametrize("name", ["vanilla", "serket"])
def test_the_global_seed_is_used_where_no_seed_is_given(make, train, name):
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        runs.append(train(make(name, seed=None)))
    assert runs[0] == runs[1]


def test_a_loaded_model_continues_as_the_saved_one(make, name, train, tmp_path):
    saved = make(name)
    saved.compile(keras.optimizers.Adam(1e-2))  # has a state
    train(saved, 1)
    saved.save(tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    assert train(saved, 1) == train(loaded, 1)


def test_files_load_in_a_new_process(make, tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("does not depend on the backend, and takes seconds")
    paths = [tmp_path / f"{name}.keras" for name in VARIANTS]
    for path in paths:
        make(path.stem).save(path)
    code = "import models, sys\nfor path in sys.argv[1:]: print(models.load(path).name)"
    result = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True
    )
    assert result.stdout.split() == ["vae"] * len(paths), result.stderr


@pytest.mark.parametrize(
    "policy, name",
    [
        ("mixed_bfloat16", "serket"),
        ("mixed_float16", "conditional"),
        ("mixed_float16", "iwae"),
    ],
)
def test_mixed_precision_trains_and_is_saved(make, train, name, policy, tmp_path):
    def trained(policy):
        keras.mixed_precision.set_dtype_policy(policy)
        try:
            model = make(name, kl_weight=1.0)
            model.compile(keras.optimizers.Adam(1e-2))
        finally:
            keras.mixed_precision.set_dtype_policy("float32")
        return model, train(model, epochs=4)["loss"]

    (model, losses), (_, full) = map(trained, (policy, "float32"))
    np.testing.assert_allclose(losses, full, rtol=0.03)
    model.save(tmp_path / "model.keras")
    for each in (model, models.load(tmp_path / "model.keras")):
        layers = {layer.name: layer for layer in each._flatten_layers()}
        assert layers["encoder_1"].compute_dtype == policy[6:]
        assert each.dtype_policy.name == policy


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive"])
def test_load_refuses_other_files(tmp_path, content):
    path = tmp_path / "model.keras"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="no model could be loaded"):
        models.load(path)


def test_load_refuses_other_models(tmp_path):
    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(ValueError, match="expected a VAE. Received: a Sequential"):
        models.load(path)
