"""The contract of `models/__init__.py`, and training, for everything in `VARIANTS`."""

import keras
import numpy as np
import pytest

from models import VARIANTS
from models.blocks.objectives import ELBO, ImportanceWeighted
from models.blocks.vae import LAYERS, VAE

INPUTS = {"x", "label", "prior_mean", "prior_precision"}
OUTPUTS = {"objective", "log_likelihood", "kl", "x_mean", "z"}
# for what the class VAE does in every variant: one without a message, one with
TWO = pytest.mark.parametrize("name", ["vanilla", "serket"])


def weight_of(model):
    return float(keras.ops.convert_to_numpy(model.objective.kl_weight))


def test_contract(model, data, inputs_of):
    assert isinstance(model, VAE)
    assert set(LAYERS) <= {layer.name for layer in model.layers}
    assert {"x"} <= set(model.input) <= INPUTS
    parameters = set(model.posterior.head_sizes())
    assert set(model.output) == OUTPUTS | parameters | set(model.objective.reports)
    assert model.posterior.is_gaussian == (parameters == {"z_mean", "z_log_var"})
    out = model.predict(inputs_of(model), verbose=0)
    assert {k: out[k].shape for k in ("objective", "log_likelihood", "kl")} == {
        "objective": (70,),
        "log_likelihood": (70,),
        "kl": (70,),
    }
    assert out["x_mean"].shape == data.shape
    assert out["z"].shape == model.latents(data, inputs_of(model).get("label")).shape
    assert out["z"].shape == (70, 2)
    elbo = out["log_likelihood"] - weight_of(model) * out["kl"]
    if type(model.objective) is ELBO:
        np.testing.assert_allclose(out["objective"], elbo, rtol=1e-5, atol=1e-4)
    if isinstance(model.objective, ImportanceWeighted):  # a tighter bound
        assert np.mean(out["objective"]) > np.mean(elbo) + 1e-4


def test_every_layer_and_every_weight_has_a_name_of_its_own(model):
    """Equal variable paths make gradients accumulate on torch, silently."""
    paths = [weight.path for weight in model.weights]
    assert len(set(paths)) == len(paths)
    leaves = [layer.name for layer in model._flatten_layers()]
    assert len(set(leaves)) == len(leaves)


def test_training_lowers_the_loss_and_reports_its_terms(model, train):
    history = train(model, epochs=12)
    assert history["loss"][-1] < history["loss"][0] - 0.5
    terms = weight_of(model) * np.array(history["kl"]) - history["log_likelihood"]
    if type(model.objective) is ELBO:
        np.testing.assert_allclose(history["loss"], terms, rtol=1e-5)
    if isinstance(model.objective, ImportanceWeighted):
        assert np.all(history["loss"] < terms)
    assert set(model.objective.reports) < set(history)


def test_evaluate_is_the_mean_over_rows_whatever_the_last_batch(model, inputs_of):
    inputs = inputs_of(model)
    elbo = model.predict(inputs, batch_size=32, verbose=0)["objective"]
    twice = [
        model.evaluate(inputs, batch_size=32, verbose=0, return_dict=True)["loss"]
        for _ in range(2)
    ]
    assert twice[0] == twice[1]
    assert twice[0] == pytest.approx(-elbo.mean(), rel=1e-5)


@TWO
def test_sample_weights_weigh_the_terms(model, inputs_of):
    inputs, weight = inputs_of(model), np.random.default_rng(2).random(70)
    out = model.predict(inputs, batch_size=35, verbose=0)
    result = model.evaluate(
        inputs, sample_weight=weight, batch_size=35, verbose=0, return_dict=True
    )
    for key, sign in (("loss", -1), ("log_likelihood", 1), ("kl", 1)):
        values = out["objective" if key == "loss" else key]
        assert result[key] == pytest.approx(sign * np.mean(weight * values), rel=1e-4)


@TWO
def test_rows_of_weight_zero_teach_nothing(make, data, inputs_of, name):
    """Weights 1 and 0 train as the rows of weight 1 do at half the loss."""
    x = np.concatenate([data[:32], 1 - data[:32]])
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


@TWO
def test_validation_data_and_split(model, train, inputs_of):
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


@TWO
def test_more_draws_give_the_same_objective_with_less_noise(make, train, name):
    """The gradient step's loss over epochs with rate 0: same mean, smaller spread."""
    spread, mean = {}, {}
    for n_samples in (1, 16):
        model = make(name, n_samples=n_samples)
        model.compile(keras.optimizers.SGD(0.0))
        losses = train(model, epochs=40, batch_size=70)["loss"]
        mean[n_samples], spread[n_samples] = np.mean(losses), np.std(losses)
    assert spread[16] < 0.5 * spread[1]
    assert mean[16] == pytest.approx(mean[1], abs=4 * spread[1] / np.sqrt(40))


def test_halves_agree_with_the_whole(model, data, inputs_of):
    inputs = inputs_of(model)
    out, label = model.predict(inputs, verbose=0), inputs.get("label")
    z = model.latents(data, label)
    if model.posterior.is_gaussian:
        z_mean, z_log_var = model.encode(data, label)
        np.testing.assert_allclose(z_mean, out["z_mean"], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(z_log_var, out["z_log_var"], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(z, z_mean)
    decoded = model.decode(out["z"], label)
    np.testing.assert_allclose(decoded, out["x_mean"], rtol=1e-3, atol=1e-5)
    decoded = model.decode(z, label)
    np.testing.assert_allclose(model.reconstruct(data, label), decoded, rtol=1e-5)


def test_flat_and_image_shaped_data_are_one_model(make, data):
    flat, image = make(input_shape=(12,)), make(input_shape=(4, 3))
    elbos = [
        m.predict({"x": x}, verbose=0)["objective"]
        for m, x in ((flat, data.reshape(70, 12)), (image, data))
    ]
    np.testing.assert_allclose(*elbos, rtol=1e-5)


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
        ({"prior_mean": None}, "x must hold the inputs .* The model takes a message"),
        (
            {"label": np.zeros(70)},
            "x must hold the inputs x, prior_mean, prior_precision",
        ),
        (
            {"x": np.zeros((70, 3, 3))},
            r"x must have the shape \(n, 4, 3\). Received: \(70, 3, 3\)",
        ),
        ({"prior_mean": np.zeros((70, 3))}, r"prior_mean must have the shape \(n, 2\)"),
        ({"prior_mean": np.zeros((69, 2))}, "one row for each of the 70 rows of x"),
    ],
)
def test_fit_refuses(make, inputs_of, change, message):
    model = make("serket")
    inputs = {k: v for k, v in (inputs_of(model) | change).items() if v is not None}
    with pytest.raises(ValueError, match=message):
        model.fit(inputs, verbose=0)


def test_encode_and_decode_refuse_other_shapes(model, data):
    with pytest.raises(ValueError, match=r"x must have the shape \(n, 4, 3\)"):
        model.latents(data[0])
    with pytest.raises(ValueError, match=r"z must have the shape \(n, 2\)"):
        model.decode(np.zeros((5, 3)))
