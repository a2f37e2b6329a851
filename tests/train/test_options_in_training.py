"""The effect of options of `python -m models.train` on model, training and results."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import models
from models import VARIANTS, train
from models.cli import options
from models.cli.option_types import show
from models.cli.resolve import resolve
from models.data import load
from serket_bridge import gmm
from serket_bridge.inference import em, gibbs


@pytest.fixture
def made(small, data):
    """A function: the modules of a run (observation, VAE, mixture) before training."""

    def make(*arguments):
        dataset = load(data / "table.npz")
        given = options.parse([*small, *map(str, arguments)])
        dataset, config, model = resolve(given, dataset)
        return train.make_loop(config, dataset, model).modules

    return make


def test_gaussian_of_sigma_1_is_the_squared_error(made):
    observation, vae, _ = made("--likelihood", "gaussian", "--sigma", "1")
    x = observation.forward.mean
    nothing = {"prior_mean": np.zeros((60, 3)), "prior_precision": np.ones((60, 3))}
    out = vae.model.predict({"x": x} | nothing, verbose=0)
    squares = np.square(x - out["x_mean"]).sum(axis=1)
    expected = -0.5 * squares - 3 * np.log(2 * np.pi)
    np.testing.assert_allclose(out["log_likelihood"], expected, rtol=1e-4)


@pytest.mark.parametrize(
    "arguments, weights",
    [
        (
            "--kl-weight linear:5:0.5 --gmm-inference variational "
            "--gmm-message collapsed",
            [0, 1, 2, 3],
        ),
        (
            "--kl-weight cyclical:4:0.2 --gmm-inference gibbs --gmm-message class-mean",
            [0, 1, 2, 2],
        ),
    ],
)
def test_schedules_mixtures_and_messages(read, light, arguments, weights):
    """The schedule continues through the rounds; here its weights in tenths."""
    result = light(*arguments.split(), "--rounds", "2")
    assert result.code == 0
    config, words = read.json(result.folder, "config.json"), arguments.split()
    kept = show(config["kl_weight"]), config["gmm_inference"], config["gmm_message"]
    assert [*kept] == words[1::2]
    path = result.folder / "history.csv"
    weights = 0.1 * np.array(weights)
    np.testing.assert_allclose(read.column(path, "kl_weight"), weights, rtol=1e-6)
    terms = weights * read.column(path, "kl") - read.column(path, "log_likelihood")
    np.testing.assert_allclose(read.column(path, "loss"), terms, rtol=1e-5)
    assert np.isfinite(read.column(result.folder / "rounds.csv", "gmm.bound")).all()
    responsibilities = read.arrays(result.folder)["responsibilities"]
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1, rtol=1e-6)


def test_convolutions_reach_the_model(light):
    words = "--variant bernoulli --network conv --filters 4 --normalization group"
    words += " --residual --epochs 2 --batch-size 50"
    result = light(name="images.npz", options=words.split())
    assert result.code == 0 and "Bernoulli p(x|z), conv 4-" in result.out
    model = models.load(result.folder / "model.keras")
    kinds = {type(layer).__name__ for layer in model.get_layer("encoder").layers}
    assert {"Conv2D", "GroupNormalization", "Add"} <= kinds
    assert model.reconstruct(np.zeros((2, 8, 8))).shape == (2, 8, 8)


def test_the_gradient_of_the_iwae_is_the_one_asked_for(light):
    result = light("--variant", "iwae", "--doubly-reparameterized")
    objective = models.load(result.folder / "model.keras").objective
    assert objective.doubly_reparameterized


def test_a_capacity_reaches_the_model_and_the_history(read, light):
    result = light("--variant", "beta", "--capacity", "linear:2:5")
    assert result.code == 0 and "KL weight 2, capacity linear:2:5 nats" in result.out
    history = result.folder / "history.csv"
    np.testing.assert_allclose(read.column(history, "capacity"), [0.0, 2.5])
    objective = models.load(result.folder / "model.keras").objective
    assert objective.schedules["capacity"](1) == 2.5


@pytest.mark.parametrize(
    "option, value, chosen",
    [
        ("gmm-inference", "em", lambda m: type(m.inference) is em.EM),
        ("gmm-inference", "variational", lambda m: type(m.inference) is em.Variational),
        ("gmm-inference", "gibbs", lambda m: type(m.inference) is gibbs.Gibbs),
        ("gmm-message", "class-mean", lambda m: m.message is gmm.class_mean_message),
        (
            "gmm-message",
            "collapsed",
            lambda m: m.message is gmm.collapsed_gaussian_message,
        ),
    ],
)
def test_words_become_functions(made, option, value, chosen):
    assert chosen(made(f"--{option}", value)[-1])


def test_numbers_reach_the_model_and_the_training(made):
    numbers = "--learning-rate 0.02 --n-samples 3 --hidden-dims 7 5 --batch-size 30"
    _, vae, classes = made("--variant", "vanilla", *numbers.split(), "--epochs", "9")
    assert float(vae.model.optimizer.learning_rate) == pytest.approx(0.02)
    assert (vae.batch_size, vae.itr) == (30, 9)
    assert classes.K == 3
    kernels = [weight.shape for weight in vae.model.get_layer("encoder").weights]
    assert (6, 7) in kernels and (7, 5) in kernels
    assert vae.model.posterior.n_samples == 3


def test_the_seed_decides_weights_noise_and_starts(made):
    def drawn(seed):
        _, vae, classes = made("--seed", seed)
        weights = [w.numpy() for w in vae.model.get_layer("encoder").weights]
        draws = [module.rng.random() for module in (vae, classes)]
        return np.concatenate([*map(np.ravel, weights), draws])

    np.testing.assert_array_equal(drawn(5), drawn(5))
    assert not np.array_equal(drawn(5), drawn(6))
    assert drawn(0)[-1] != drawn(0)[-2], "one stream for two modules"


def test_a_seed_decides_the_result_and_labels_do_not(read, light, tmp_path):
    """Twice the same seed, the second time without labels; then another seed."""
    latents, scores = [], []
    for seed, name in ((5, "table.npz"), (5, "unlabelled.npy"), (6, "table.npz")):
        np.random.seed(len(scores))  # what else draws numbers must not matter
        folder = tmp_path / str(len(scores))
        assert light("--seed", seed, "--rounds", "2", out=folder, name=name).code == 0
        latents.append(read.arrays(folder))
        metrics = read.json(folder, "metrics.json")
        for row in metrics.values():
            for key in [key for key in row if "seconds" in key]:
                del row[key]
        scores.append(metrics)
    one, same, other = latents
    assert set(one) - set(same) == {"labels"}
    for name, array in same.items():
        np.testing.assert_array_equal(array, one[name], err_msg=name)
    for when, row in scores[1].items():
        assert {key: scores[0][when][key] for key in row} == row
    assert scores[0] != scores[2]
    assert not np.array_equal(one["z_mean"], other["z_mean"])


def test_labels_of_a_file_of_their_own_give_scores(read, light, data):
    arguments = "--variant", "vanilla", "--labels", data / "labels.csv"
    result = light(*arguments, name="unlabelled.npy")
    labels = read.arrays(result.folder)["labels"]
    np.testing.assert_array_equal(labels, np.arange(60) % 3)
    metrics = read.json(result.folder, "metrics.json")
    assert {"accuracy", "ari", "nmi"} <= set(metrics["last"])
    assert read.json(result.folder, "config.json")["labels"] == str(data / "labels.csv")


def test_the_page_opens_at_the_end_where_it_is_asked_for(light, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "models.explore.main", lambda arguments: opened.append(arguments)
    )
    result = light("--explore")
    assert opened == [[str(result.folder)]]


def test_mixed_precision_is_of_the_hidden_layers_and_of_this_model(read, light):
    result = light("--variant", "vanilla", "--mixed-precision")
    assert read.json(result.folder, "config.json")["mixed_precision"] is True
    model = models.load(result.folder / "model.keras")
    kinds = {layer.name: layer.compute_dtype for layer in model._flatten_layers()}
    assert (kinds["encoder_1"], kinds["decoder_1"]) == ("bfloat16", "bfloat16")
    assert (kinds["posterior"], kinds["likelihood"]) == ("float32", "float32")
    assert read.arrays(result.folder)["z_mean"].dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


HELP = """
import sys
from models import train
try:
    train.main(["--variant", "beta", "--help"])
finally:
    print(*(name for name in sys.modules if name.startswith("models.variants.")))
"""


def test_help_of_a_variant_is_quiet_and_imports_no_other(environment):
    result = subprocess.run(
        [sys.executable, "-c", HELP], env=environment, capture_output=True, text=True
    )
    *text, modules = result.stdout.splitlines()
    assert (result.returncode, result.stderr) == (0, "")
    assert any("--capacity W" in line for line in text)
    variants = {f"models.variants.{name}" for name in VARIANTS}
    assert variants & set(modules.split()) == {"models.variants.beta"}
