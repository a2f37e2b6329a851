"""What was given becomes a configuration, or a message on what does not fit."""

import inspect
from functools import cache

import numpy as np
import pytest

from models import VARIANTS
from models.blocks.likelihoods import Bernoulli, Gaussian
from models.blocks.ondisk_array import ArrayRows
from models.cli import defaults, options
from models.cli import resolve as module
from models.cli.common_options import CONFIG
from models.data import Dataset
from models.data.preprocessing import Preprocessing

LABELS = np.arange(1000) % 4


def dataset(kind="custom", labels=None, input_shape=(8, 8), n=1000):
    names = None if labels is None else tuple(map(str, np.unique(labels)))
    values = ArrayRows(np.zeros((n, *input_shape), "float32"))
    return Dataset(kind, kind, values, labels, names, Preprocessing("images"))


@cache
def tiny_model(variant, likelihood=None):
    """A model of the variant, with this likelihood if it takes one."""
    kinds = {"gaussian": Gaussian, "bernoulli": Bernoulli}
    given = {} if likelihood is None else {"likelihood": kinds[likelihood]()}
    return VARIANTS[variant]((8, 8), 2, (), **given)


@pytest.fixture
def resolve(monkeypatch):
    """A function: the configuration of these words, without building their model."""

    def build_variant(config, dataset):
        return tiny_model(config["variant"], config.get("likelihood"))

    monkeypatch.setattr(module, "build_variant", build_variant)
    monkeypatch.setattr(module, "compile_model", lambda model, config: model)

    def resolve(*words, **data):
        given = options.parse([*map(str, words)])
        _, config, _ = module.resolve(given, dataset(**data))
        return config

    return resolve


# --- Defaults -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(defaults.DATA))
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_the_defaults_of_the_data_set_reach_the_configuration(resolve, variant, kind):
    config = resolve("--variant", variant, kind=kind, labels=LABELS)
    model = tiny_model(variant, config.get("likelihood"))
    expected = defaults.for_data(kind)
    rounds = 5 if model.takes_message else 1
    if model.takes_message and kind != "serket":  # images
        rounds, expected["epochs"] = 10, expected.get("epochs", 375 + 1) // 2
    for key, value in expected.items():
        if key != "gmm_message" or model.takes_message:
            assert config.get(key, value) == value
    assert config["rounds"] == rounds
    assert (config["n_components"] is None) == (not model.takes_message)
    arguments = inspect.signature(VARIANTS[variant]).parameters
    weight = arguments["kl_weight"].default
    is_bernoulli = type(model.likelihood) is Bernoulli
    usual = 0.1 if kind == "digits" and is_bernoulli and weight == 1.0 else weight
    assert config["kl_weight"] == usual
    assert config["n_samples"] == arguments["n_samples"].default


@pytest.mark.parametrize(
    "words, rounds, epochs",
    [
        ("", 10, 50),
        ("--epochs 30", 10, 30),
        ("--rounds 3", 3, 50),
        ("--steps 200 --batch-size 100", 10, 100),
    ],
)
def test_images_have_more_and_shorter_rounds(resolve, words, rounds, epochs):
    config = resolve("--variant", "serket", *words.split(), kind="digits", n=200)
    assert (config["rounds"], config["epochs"]) == (rounds, epochs)


def test_the_defaults_of_a_variant_are_those_of_its_file(resolve):
    assert resolve("--variant", "beta", kind="digits")["kl_weight"] == 2.0
    assert resolve("--variant", "iwae")["n_samples"] == 5


def test_the_kl_weight_of_digits_follows_the_likelihood(resolve):
    bernoulli = ("--likelihood", "bernoulli")
    assert resolve(kind="digits")["kl_weight"] == 1.0
    assert resolve(*bernoulli, kind="digits")["kl_weight"] == 0.1
    assert resolve("--variant", "bernoulli", kind="digits")["kl_weight"] == 0.1
    given = resolve(*bernoulli, "--kl-weight", 1, kind="digits")
    assert given["kl_weight"] == 1.0


def test_the_options_of_the_likelihood_are_those_of_the_chosen_one(resolve):
    gaussian, bernoulli = resolve(kind="digits"), resolve(kind="mnist")
    assert gaussian["sigma"] is None and "binarize" not in gaussian
    assert bernoulli["binarize"] is False and "sigma" not in bernoulli
    assert resolve("--sigma", "0.5")["sigma"] == 0.5
    assert resolve("--sigma", "learn")["sigma"] is None
    assert "likelihood" not in resolve("--variant", "vanilla")


def test_the_table_of_defaults_does_not_change(resolve):
    before = repr((defaults.COMMON, defaults.DATA))
    resolve("--epochs", 3, "--hidden-dims", 4, kind="digits", labels=LABELS)
    defaults.for_data("digits")["epochs"] = 0
    assert repr((defaults.COMMON, defaults.DATA)) == before


def test_there_are_as_many_classes_as_labels_in_your_data(resolve):
    assert resolve(labels=LABELS)["n_components"] == 4
    assert type(resolve(labels=LABELS)["n_components"]) is int
    assert resolve("--n-components", 2, labels=LABELS)["n_components"] == 2
    assert resolve()["n_components_source"] == "best for held-out rows"
    assert resolve(labels=LABELS)["n_components_source"] == "as many as labels"
    assert resolve(kind="digits", labels=LABELS)["n_components"] == 10


# --- Given values ---------------------------------------------------------------------


def test_config_has_every_option_of_the_run_and_of_the_variant(resolve):
    config = resolve("--out", "there", "--overwrite", "--variant", "beta")
    own = {"likelihood", "sigma", "capacity", "preprocessing"}
    assert set(config) == {*CONFIG, *own}
    assert (config["data"], config["seed"], config["labels"]) == ("digits", 0, None)


GIVEN = {
    "--latent-dim": ("3", 3),
    "--epochs": ("7", 7),
    "--batch-size": ("9", 9),
    "--learning-rate": ("2e-2", 0.02),
    "--kl-weight": ("linear:5:0.5", ("linear", 5.0, 0.5)),
    "--rounds": ("2", 2),
    "--n-components": ("4", 4),
    "--gmm-inference": ("gibbs", "gibbs"),
    "--gmm-message": ("collapsed", "collapsed"),
    "--n-samples": ("6", 6),
    "--activation": ("tanh", "tanh"),
    "--seed": ("8", 8),
    "--image-size": ("16", [16]),
    "--labels": ("species", "species"),
    "--data": ("some/where.npz", "some/where.npz"),
    "--rows": ("2,5", (2, 5)),
    "--optimizer": ("muon", "muon"),
    "--init-weights": ("runs/first", "runs/first"),
    "--name": ("first", "first"),
}


# defaults that follow from a given value
FOLLOWS = {"--batch-size": ["epochs"], "--n-components": ["n_components_source"]}


@pytest.mark.parametrize("flag, word, value", [(k, *v) for k, v in GIVEN.items()])
def test_a_given_value_changes_nothing_else(resolve, flag, word, value):
    key = flag.strip("-").replace("-", "_")
    found, expected = resolve(flag, word), resolve() | {key: value}
    for follows in FOLLOWS.get(flag, ()):
        found.pop(follows, None), expected.pop(follows, None)
    assert found == expected


@pytest.mark.parametrize(
    "words, epochs, steps, per_epoch",
    [  # 1000 rows in batches of 100 are 10 steps in a pass
        ("--epochs 3", 3, None, None),
        ("--steps 30", 3, 30, 10),
        ("--steps 36", 4, 36, 9),
        ("--steps 7", 1, 7, 7),
        ("--steps 36 --steps-per-epoch 4", 9, 36, 4),
        ("--epochs 3 --steps-per-epoch 5", 6, 30, 5),
    ],
)
def test_steps_are_divided_into_equal_epochs(resolve, words, epochs, steps, per_epoch):
    config = resolve("--batch-size", 100, *words.split())
    assert (config["epochs"], config["steps"]) == (epochs, steps)
    assert config["steps_per_epoch"] == per_epoch


@pytest.mark.parametrize(
    "words, filters, normalization, residual",
    [
        ("", (32, 64), "none", False),
        ("--filters 4 8 16 --residual", [4, 8, 16], "none", True),
        ("--normalization group", (32, 64), "group", False),
    ],
)
def test_a_network_has_only_its_own_options(
    resolve, words, filters, normalization, residual
):
    config = resolve("--network", "conv", *words.split(), kind="mnist")
    assert (config["network"], config["hidden_dims"]) == ("conv", None)
    assert config["filters"] == filters
    assert (config["normalization"], config["residual"]) == (normalization, residual)
    mlp = resolve(kind="mnist")
    assert [mlp[key] for key in ("filters", "normalization", "residual")] == [None] * 3


def test_a_mixture_is_fitted_where_it_is_asked_for(resolve):
    config = resolve("--variant", "vanilla", "--n-components", 3)
    assert (config["n_components"], config["gmm_inference"]) == (3, "em")
    assert (config["rounds"], config["gmm_message"]) == (1, None)
    config = resolve("--variant", "vanilla")
    assert [config[key] for key in module.MIXTURE] == [None] * 3


# --- What does not fit ----------------------------------------------------------------


@pytest.mark.parametrize(
    "words, message",
    [
        ("--variant vanilla --rounds 3", "--rounds 3: this variant takes no message"),
        ("--variant beta --gmm-message collapsed", "--gmm-message collapsed: this var"),
        ("--variant beta --gmm-inference em", "--gmm-inference: .* --n-components"),
        ("--checkpoint", "--checkpoint: this variant takes messages"),
        (
            "--likelihood bernoulli --sigma learn",
            "--sigma is an option of --likelihood gaussian, and this one is bernoulli",
        ),
        ("--likelihood gaussian --binarize", "--binarize is an option of .* bernoulli"),
        ("--filters 8", "--filters is no option of --network mlp"),
        ("--network conv --hidden-dims 8", "--hidden-dims is no option of --network"),
        ("--steps 100 --epochs 3", "--steps 100 and --epochs 3 set the same"),
        ("--steps 100 --steps-per-epoch 30", "30 must divide .* --steps 90"),
        ("--steps 997 --batch-size 10", "--steps 997 has no divisor near 100"),
        ("--batch-size 1001", "--batch-size 1001: custom has only 1000 rows"),
    ],
)
def test_options_that_do_not_fit_are_refused(resolve, words, message):
    with pytest.raises(ValueError, match=message):
        resolve(*words.split())


def test_sigma_does_not_fit_a_likelihood_that_is_the_default(resolve):
    with pytest.raises(ValueError, match="--sigma is an option of .* bernoulli"):
        resolve("--sigma", "1", kind="mnist")


@pytest.mark.parametrize("words", ["--network conv", "--augment"])
def test_rows_that_are_no_images_are_refused(resolve, words):
    with pytest.raises(
        ValueError, match=rf"{words} is for images.*\(6,\).*image-shape"
    ):
        resolve(*words.split(), input_shape=(6,))
    assert resolve("--augment")["augment"] is True


def test_values_outside_the_unit_interval_do_not_fit_a_bernoulli_likelihood(resolve):
    outside = dataset()
    outside.values.array[0] = 2.0
    with pytest.raises(ValueError, match="must lie in \\[0, 1\\]"):
        module.resolve(options.parse(["--variant", "bernoulli"]), outside)
