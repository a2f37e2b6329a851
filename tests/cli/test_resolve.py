"""What the options become: a configuration, or a sentence on what clashes."""

from types import SimpleNamespace

import numpy as np
import pytest

from models import VARIANTS
from models.cli import defaults, options
from models.cli import resolve as options_to_config

OWN = {"vanilla": "gaussian", "bernoulli": "bernoulli"}


def parse(*arguments):
    return options.make_parser(VARIANTS).parse_args([*map(str, arguments)])


def dataset(kind="custom", labels=None, input_shape=(8, 8), n=1000):
    x = np.zeros((n, *input_shape), "float32")
    return SimpleNamespace(kind=kind, labels=labels, input_shape=input_shape, x=x)


def resolve(*arguments, kind="custom", labels=None):
    return options_to_config.resolve(parse(*arguments), dataset(kind, labels))


# --- The table ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(defaults.DATA))
def test_every_default_is_a_value_that_the_option_takes(kind):
    row = defaults.for_data(kind)
    words = [word for name in row for word in words_of(name, row[name])]
    assert resolve(*words, kind=kind) == resolve(kind=kind)


def words_of(name, value):
    """An option as it is typed."""
    values = value if isinstance(value, tuple) else (value,)
    return ["--" + name.replace("_", "-"), *map(str, values)]


@pytest.mark.parametrize("kind", list(defaults.DATA))
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_rows_of_the_table_reach_the_config(variant, kind):
    labels = np.arange(10) if variant == "conditional" else None
    config = resolve("--variant", variant, kind=kind, labels=labels)
    expected = defaults.COMMON | defaults.DATA[kind]
    if variant in OWN:
        expected |= {"likelihood": OWN[variant]}
    if variant != "serket":
        expected |= {"rounds": 1}
    key = kind, expected["likelihood"]
    expected |= {"kl_weight": defaults.KL_WEIGHT.get(key, expected["kl_weight"])}
    expected |= defaults.VARIANT.get(variant, {})
    assert {name: config[name] for name in expected} == expected


def test_the_defaults_of_a_likelihood_follow_the_one_that_was_chosen():
    gaussian = resolve("--likelihood", "gaussian", kind="digits")
    bernoulli = resolve("--likelihood", "bernoulli", kind="digits")
    assert (gaussian["kl_weight"], bernoulli["kl_weight"]) == ("1", "0.1")
    given = resolve("--likelihood", "bernoulli", "--kl-weight", "2", kind="digits")
    assert given["kl_weight"] == "2"


def test_asking_for_defaults_does_not_change_the_table():
    before = repr((defaults.COMMON, defaults.DATA))
    resolve("--epochs", 3, "--hidden-dims", 4, kind="digits", labels=np.arange(3))
    defaults.for_data("digits", "bernoulli")["epochs"] = 0
    assert repr((defaults.COMMON, defaults.DATA)) == before


# --- What was given -------------------------------------------------------------------


def test_config_holds_every_option_but_where_results_go():
    given = parse("--out", "there", "--overwrite")
    config = options_to_config.resolve(given, dataset())
    elsewhere = {"out", "overwrite", "explore", "distribute", "checkpoint", "resume"}
    assert set(config) == set(vars(given)) - elsewhere
    assert (config["variant"], config["data"]) == ("serket", "digits")
    assert (config["seed"], config["n_samples"]) == (0, 1)
    assert config["labels"] is None and config["image_size"] is None


GIVEN = {
    "--latent-dim": ("3", 3),
    "--epochs": ("7", 7),
    "--batch-size": ("9", 9),
    "--learning-rate": ("2e-2", 0.02),
    "--likelihood": ("bernoulli", "bernoulli"),
    "--kl-weight": ("linear:5:0.5", "linear:5:0.5"),
    "--rounds": ("2", 2),
    "--n-components": ("4", 4),
    "--gmm": ("gibbs", "gibbs"),
    "--message": ("hard", "hard"),
    "--n-samples": ("6", 6),
    "--seed": ("8", 8),
    "--image-size": ("16", 16),
    "--labels": ("species", "species"),
    "--data": ("some/where.npz", "some/where.npz"),
    "--range": ("2,5", [2, 5]),
    "--optimizer": ("muon", "muon"),
    "--weights": ("runs/first", "runs/first"),
    "--tag": ("first", "first"),
}


@pytest.mark.parametrize("flag, word, value", [(k, *v) for k, v in GIVEN.items()])
def test_a_given_value_wins_and_changes_nothing_else(flag, word, value):
    name = flag.strip("-").replace("-", "_")
    config, usual = resolve(flag, word), resolve()
    assert config[name] == value
    assert type(config[name]) is type(value)
    assert {k: v for k, v in config.items() if k != name} == {
        k: v for k, v in usual.items() if k != name
    }


def test_hidden_dims_are_a_tuple():
    assert resolve("--hidden-dims", 8)["hidden_dims"] == (8,)
    assert resolve("--hidden-dims", 8, 4)["hidden_dims"] == (8, 4)
    assert isinstance(resolve()["hidden_dims"], tuple)


@pytest.mark.parametrize(
    "word, value", [(None, None), ("learn", None), ("1", 1.0), ("0.5", 0.5)]
)
def test_sigma_is_a_number_or_none_to_learn_it(word, value):
    arguments = [] if word is None else ["--sigma", word]
    config = resolve("--likelihood", "gaussian", *arguments)
    assert config["sigma"] == value


def test_classes_are_as_many_as_your_labels():
    labels = np.array([0, 1, 2, 1, 3])
    assert resolve(labels=labels)["n_components"] == 4
    assert type(resolve(labels=labels)["n_components"]) is int
    assert resolve("--n-components", 2, labels=labels)["n_components"] == 2
    assert resolve()["n_components"] == defaults.COMMON["n_components"]
    named = resolve(kind="digits", labels=labels)
    assert named["n_components"] == defaults.for_data("digits")["n_components"]


@pytest.mark.parametrize("variant", ["vanilla", "bernoulli"])
def test_a_variant_that_does_not_listen_has_one_round(variant):
    assert resolve("--variant", variant)["rounds"] == 1
    assert resolve("--variant", variant, "--rounds", 1)["rounds"] == 1
    same = resolve("--variant", variant, "--likelihood", OWN[variant])
    assert same == resolve("--variant", variant)


@pytest.mark.parametrize(
    "arguments, epochs, steps, log_every",
    [  # 1000 rows in batches of 100 are 10 steps in a pass
        ("--epochs 3", 3, None, None),
        ("--steps 30", 3, 30, 10),
        ("--steps 36", 4, 36, 9),
        ("--steps 7", 1, 7, 7),
        ("--steps 36 --log-every 4", 9, 36, 4),
        ("--epochs 3 --log-every 5", 6, 30, 5),
    ],
)
def test_steps_are_cut_in_equal_epochs(arguments, epochs, steps, log_every):
    config = resolve("--batch-size", 100, *arguments.split())
    assert (config["epochs"], config["steps"]) == (epochs, steps)
    assert config["log_every"] == log_every


@pytest.mark.parametrize(
    "arguments, filters, normalization, residual",
    [
        ("", (32, 64), "none", False),
        ("--filters 4 8 16 --residual", (4, 8, 16), "none", True),
        ("--normalization group", (32, 64), "group", False),
    ],
)
def test_the_conv_network_has_its_own_defaults(
    arguments, filters, normalization, residual
):
    config = resolve("--network", "conv", *arguments.split(), kind="mnist")
    assert (config["network"], config["hidden_dims"]) == ("conv", None)
    assert config["filters"] == filters
    assert (config["normalization"], config["residual"]) == (normalization, residual)


def test_the_mlp_has_none_of_convs_settings():
    config = resolve(kind="mnist")
    assert config["network"] == "mlp"
    assert [config[name] for name in defaults.CONV] == [None] * 3


# --- What clashes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("--variant vanilla --likelihood bernoulli", "the variant vanilla is gaussian"),
        ("--variant bernoulli --likelihood gaussian", "bernoulli is bernoulli"),
        ("--variant vanilla --rounds 3", "--rounds 3: .* one round"),
        ("--variant bernoulli --rounds 2", "--rounds 2: .* one round"),
        ("--variant bernoulli --sigma 1", "--sigma 1.* --likelihood gaussian"),
        ("--likelihood bernoulli --sigma learn", "--sigma learn belongs to a gaussian"),
        ("--learned-prior", "--learned-prior: only the variant conditional"),
        ("--doubly-reparameterized", "--doubly-reparameterized: only the variant iwae"),
        (
            "--variant iwae --n-samples 1 --doubly-reparameterized",
            "--doubly-reparameterized: with --n-samples 1 there is nothing to weigh",
        ),
        ("--variant conditional", "learns from labels, and digits has none"),
        ("--steps 100 --epochs 3", "--steps 100 and --epochs 3 say the same thing"),
        ("--steps 100 --log-every 30", "--log-every 30 must divide .* --steps 90"),
        ("--steps 997 --batch-size 10", "--steps 997 has no divisor near 100"),
    ],
)
def test_what_clashes_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        resolve(*arguments.split())


def test_sigma_clashes_with_a_likelihood_that_is_the_default():
    with pytest.raises(ValueError, match="--sigma 1.0 belongs to a gaussian"):
        resolve("--sigma", "1", kind="mnist")


def test_conv_needs_images():
    given = parse("--network", "conv")
    with pytest.raises(ValueError, match=r"--network conv needs images.*\(6,\).*mlp"):
        options_to_config.resolve(given, dataset(input_shape=(6,)))


def test_what_is_no_image_is_not_shaken():
    with pytest.raises(ValueError, match=r"--shake is for images.*\(6,\).* leave it"):
        options_to_config.resolve(parse("--shake"), dataset(input_shape=(6,)))
    given = parse("--shake", "--variant", "conditional")
    with pytest.raises(ValueError, match="the variant is conditional; leave it out"):
        options_to_config.resolve(given, dataset(labels=np.arange(1000) % 3))
    given = parse("--shake", "--variant", "bernoulli")
    assert options_to_config.resolve(given, dataset())["shake"] is True
