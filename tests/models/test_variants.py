"""The contract of `models/__init__.py`, and training, for everything in `VARIANTS`."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import models
from models import VARIANTS
from models.blocks.model import VAE
from models.serket import listen

OUTPUTS = {"elbo", "log_likelihood", "kl", "x_mean", "z_mean", "z_log_var", "z"}
LAYERS = {"encoder", "z", "decoder", "x_mean", "log_likelihood", "kl", "elbo"}


def patterns(n, rng=np.random.default_rng(0)):  # noqa: B008, one stream is meant
    """Two dark and bright patterns with noise, (n, 4, 3) in [0, 1]."""
    pattern = (rng.random((2, 4, 3)) < 0.5).astype("float32")
    noise = rng.uniform(0, 0.2, (n, 4, 3)).astype("float32")
    return np.abs(pattern[np.arange(n) % 2] - noise)


DATA = patterns(70)


def inputs_of(model, x=DATA):
    """x, and where the model listens a message."""
    rng = np.random.default_rng(1)
    shape = (len(x), model.latent_dim)
    message = {
        "prior_mean": rng.normal(size=shape).astype("float32"),
        "prior_precision": rng.gamma(2.0, size=shape).astype("float32"),
    }
    return {"x": x} | {name: message[name] for name in model.input if name != "x"}


def make(name, **kwargs):
    kwargs = {"latent_dim": 2, "hidden_dims": (8,), "seed": 0} | kwargs
    model = VARIANTS[name](DATA.shape[1:], **kwargs)
    model.compile(keras.optimizers.Adam(1e-2))
    return model


def weight_of(model):
    return float(keras.ops.convert_to_numpy(model.get_layer("elbo").kl_weight))


def train(model, epochs=2, **kwargs):
    kwargs = {"batch_size": 32, "verbose": 0} | kwargs
    return model.fit(inputs_of(model), epochs=epochs, **kwargs).history


@pytest.fixture(params=list(VARIANTS))
def name(request):
    return request.param


@pytest.fixture
def model(name):
    return make(name)


def test_contract(model):
    assert isinstance(model, VAE)
    assert LAYERS <= {layer.name for layer in model.layers}
    assert {"x"} <= set(model.input) <= {"x", "prior_mean", "prior_precision"}
    assert set(model.output) == OUTPUTS
    out = model.predict(inputs_of(model), verbose=0)
    assert {k: out[k].shape for k in ("elbo", "log_likelihood", "kl")} == {
        "elbo": (70,),
        "log_likelihood": (70,),
        "kl": (70,),
    }
    assert out["x_mean"].shape == DATA.shape
    assert out["z"].shape == out["z_mean"].shape == out["z_log_var"].shape == (70, 2)
    elbo = out["log_likelihood"] - weight_of(model) * out["kl"]
    np.testing.assert_allclose(out["elbo"], elbo, rtol=1e-5, atol=1e-4)


def test_every_layer_and_every_weight_has_a_name_of_its_own(model):
    """Equal variable paths make gradients accumulate on torch, silently."""
    paths = [weight.path for weight in model.weights]
    assert len(set(paths)) == len(paths)
    leaves = [layer.name for layer in model._flatten_layers()]
    assert len(set(leaves)) == len(leaves)


def test_training_lowers_the_loss_and_reports_its_terms(model):
    history = train(model, epochs=12)
    assert history["loss"][-1] < history["loss"][0] - 0.5
    terms = weight_of(model) * np.array(history["kl"]) - history["log_likelihood"]
    np.testing.assert_allclose(history["loss"], terms, rtol=1e-5)
    assert np.all(np.array(history["kl"]) >= 0)


def test_evaluate_is_the_mean_over_rows_whatever_the_last_batch(model):
    inputs = inputs_of(model)
    elbo = model.predict(inputs, batch_size=32, verbose=0)["elbo"]
    twice = [
        model.evaluate(inputs, batch_size=32, verbose=0, return_dict=True)["loss"]
        for _ in range(2)
    ]
    assert twice[0] == twice[1]
    assert twice[0] == pytest.approx(-elbo.mean(), rel=1e-5)


def test_sample_weights_weigh_the_terms(model):
    inputs, weight = inputs_of(model), np.random.default_rng(2).random(70)
    out = model.predict(inputs, batch_size=35, verbose=0)
    result = model.evaluate(
        inputs, sample_weight=weight, batch_size=35, verbose=0, return_dict=True
    )
    for key, sign in (("loss", -1), ("log_likelihood", 1), ("kl", 1)):
        values = out["elbo" if key == "loss" else key]
        assert result[key] == pytest.approx(sign * np.mean(weight * values), rel=1e-4)


def test_rows_of_weight_zero_teach_nothing(name):
    """Weights 1 and 0 train as the rows of weight 1 do at half the loss."""
    x = np.concatenate([DATA[:32], 1 - DATA[:32]])
    losses = []
    for rows, weight in ((x, np.repeat([1.0, 0.0], 32)), (x[:32], np.full(32, 0.5))):
        model = make(name, kl_weight=0.0)
        model.compile(keras.optimizers.SGD(1e-3))
        model.fit(
            inputs_of(model, rows),
            sample_weight=weight,
            batch_size=64,
            epochs=1,
            verbose=0,
        )
        z_mean, z_log_var = model.encode(x[:32])
        losses.append(model.decode(z_mean).mean())
    assert losses[0] == pytest.approx(losses[1], abs=2e-3)


def test_validation_data_and_split(model):
    inputs = inputs_of(model)
    history = train(model, validation_data=(inputs,))
    assert history["val_loss"][-1] == pytest.approx(
        model.evaluate(inputs, batch_size=32, verbose=0, return_dict=True)["loss"]
    )
    held_out = {key: value[56:] for key, value in inputs.items()}
    history = train(model, validation_split=0.2)
    assert history["val_loss"][-1] == pytest.approx(
        model.evaluate(held_out, batch_size=32, verbose=0, return_dict=True)["loss"]
    )


def test_same_seed_same_training_bit_for_bit(name):
    first, second, other = (train(make(name, seed=s)) for s in (5, 5, 6))
    assert first == second
    assert first["loss"] != other["loss"]


def test_global_seed_decides_where_no_seed_is_given(name):
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        runs.append(train(make(name, seed=None)))
    assert runs[0] == runs[1]


def test_saved_and_loaded_is_the_same_and_goes_on_as_if_never_stopped(model, tmp_path):
    train(model)
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    inputs = inputs_of(model)
    before, after = (m.evaluate(inputs, verbose=0) for m in (model, again))
    np.testing.assert_allclose(after, before, rtol=1e-6)
    np.testing.assert_array_equal(again.encode(DATA), model.encode(DATA))
    one, two = train(model), train(again)
    assert one == two


def test_the_file_loads_in_a_process_that_imported_nothing_else(model, tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("one backend is enough for this, and a process takes seconds")
    path = tmp_path / "model.keras"
    model.save(path)
    code = f"import models; print(type(models.load({str(path)!r})).__name__)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert result.stdout.split() == ["VAE"], result.stderr


@pytest.mark.parametrize("half", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains_saves_and_keeps_its_policy(name, half, tmp_path):
    keras.mixed_precision.set_dtype_policy(half)
    try:
        model = make(name, kl_weight=1.0)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert model.get_layer("encoder").get_layer("encoder_1").compute_dtype == half[6:]
    history = train(model, epochs=4)
    full = train(make(name, kl_weight=1.0), epochs=4)
    np.testing.assert_allclose(history["loss"], full["loss"], rtol=0.03)
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    inputs = inputs_of(model)
    before, after = (m.evaluate(inputs, verbose=0) for m in (model, again))
    np.testing.assert_allclose(after, before, rtol=1e-4)


def test_more_draws_give_the_same_objective_with_less_noise(name):
    """The gradient step's loss over epochs with rate 0: same mean, smaller spread."""
    spread, mean = {}, {}
    for n_samples in (1, 16):
        model = make(name, n_samples=n_samples)
        model.compile(keras.optimizers.SGD(0.0))
        losses = train(model, epochs=40, batch_size=70)["loss"]
        mean[n_samples], spread[n_samples] = np.mean(losses), np.std(losses)
    assert spread[16] < 0.5 * spread[1]
    assert mean[16] == pytest.approx(mean[1], abs=4 * spread[1] / np.sqrt(40))


def test_halves_agree_with_the_whole(model):
    out = model.predict(inputs_of(model), verbose=0)
    z_mean, z_log_var = model.encode(DATA)
    np.testing.assert_allclose(z_mean, out["z_mean"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(z_log_var, out["z_log_var"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        model.decode(out["z"]), out["x_mean"], rtol=1e-3, atol=1e-5
    )
    np.testing.assert_allclose(model.reconstruct(DATA), model.decode(z_mean), rtol=1e-5)


def test_flat_and_image_shaped_data_are_one_model():
    flat = models.bernoulli.build((12,), 2, (8,), seed=0)
    image = models.bernoulli.build((4, 3), 2, (8,), seed=0)
    elbos = [
        m.predict({"x": x}, verbose=0)["elbo"]
        for m, x in ((flat, DATA.reshape(70, 12)), (image, DATA))
    ]
    np.testing.assert_allclose(*elbos, rtol=1e-5)


# --- Listening ------------------------------------------------------------------------


def nothing_said(n=70):
    return {"prior_mean": np.zeros((n, 2)), "prior_precision": np.ones((n, 2))}


@pytest.mark.parametrize("name", ["vanilla", "bernoulli"])
def test_listening_to_nothing_is_the_deaf_twins_history(name):
    deaf = make(name)
    hearing = listen(make(name))
    hearing.compile(keras.optimizers.Adam(1e-2))
    kwargs = dict(batch_size=32, epochs=5, verbose=0)
    one = deaf.fit({"x": DATA}, **kwargs).history
    two = hearing.fit({"x": DATA} | nothing_said(), **kwargs).history
    for key in one:
        np.testing.assert_allclose(two[key], one[key], rtol=1e-5)


def test_a_message_moves_the_latents_to_the_prior_mean():
    model = make("serket", kl_weight=100.0)
    message = np.where(np.arange(70)[:, None] % 2, 2.0, -2.0) * np.ones((70, 2))
    x = DATA * 0.1 + (np.arange(70) % 2)[:, None, None] * 0.8
    inputs = {"x": x, "prior_mean": message, "prior_precision": np.ones((70, 2))}
    model.fit(inputs, epochs=400, batch_size=70, verbose=0)
    z_mean, z_log_var = model.encode(x)
    np.testing.assert_allclose(z_mean, message, atol=0.3)
    np.testing.assert_allclose(np.exp(z_log_var), 1.0, atol=0.2)


def test_a_model_that_listens_already_is_refused():
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


# --- Wrong input ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"input_shape": ()}, "input_shape must be made of integers >= 1"),
        ({"input_shape": (8, 0)}, "input_shape must be made of integers >= 1"),
        ({"input_shape": (8.0,)}, "input_shape must be made of integers >= 1"),
        ({"latent_dim": 0}, "latent_dim must be made of integers >= 1"),
        ({"latent_dim": "two"}, "latent_dim must be made of integers >= 1"),
        ({"hidden_dims": (8, -1)}, "hidden_dims must be made of integers >= 1"),
        ({"hidden_dims": 8}, "hidden_dims must be made of integers >= 1"),
        ({"activation": "relo"}, "relo"),
        ({"kl_weight": -0.1}, "kl_weight must be a number >= 0"),
        ({"n_samples": 0}, "n_samples must be an integer >= 1"),
        ({"seed": -1}, "seed must be an integer >= 0"),
        ({"seed": 0.5}, "seed must be an integer >= 0"),
    ],
)
def test_build_refuses(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        VARIANTS[name](**{"input_shape": (6,)} | arguments)


def test_a_variant_of_no_such_name_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match="'vanila' is no variant. Known: vanilla"):
        VARIANTS["vanila"]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"prior_mean": None}, "x must hold the inputs .* A listening model needs"),
        ({"label": DATA}, "x must hold the inputs x, prior_mean, prior_precision"),
        (
            {"x": DATA[:, :3]},
            r"x must have the shape \(n, 4, 3\). Received: \(70, 3, 3\)",
        ),
        ({"prior_mean": np.zeros((70, 3))}, r"prior_mean must have the shape \(n, 2\)"),
        ({"prior_mean": np.zeros((69, 2))}, "one row for each of the 70 rows of x"),
    ],
)
def test_fit_refuses(change, message):
    model = make("serket")
    inputs = {k: v for k, v in (inputs_of(model) | change).items() if v is not None}
    with pytest.raises(ValueError, match=message):
        model.fit(inputs, verbose=0)


def test_encode_and_decode_refuse_other_shapes(model):
    with pytest.raises(ValueError, match=r"x must have the shape \(n, 4, 3\)"):
        model.encode(DATA[0])
    with pytest.raises(ValueError, match=r"z must have the shape \(n, 2\)"):
        model.decode(np.zeros((5, 3)))


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
