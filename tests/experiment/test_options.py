"""The options of the command: their types, their defaults, and what clashes."""

import argparse
import math
from types import SimpleNamespace

import numpy as np
import pytest

from models import VARIANTS
from models.blocks.schedules import Cyclical, LinearWarmUp
from models.experiment import defaults, make, option_types, options
from models.experiment import resolve as options_to_config
from models.experiment.named import NAMES

OWN = {"vanilla": "gaussian", "bernoulli": "bernoulli"}


def parse(*arguments):
    return options.make_parser(VARIANTS).parse_args([*map(str, arguments)])


def dataset(kind="yours", labels=None, input_shape=(8, 8), n=1000):
    x = np.zeros((n, *input_shape), "float32")
    return SimpleNamespace(kind=kind, labels=labels, input_shape=input_shape, x=x)


def resolve(*arguments, kind="yours", labels=None):
    return options_to_config.resolve(parse(*arguments), dataset(kind, labels))


# --- The table ------------------------------------------------------------------------


def test_every_data_set_has_a_row_of_known_options():
    assert set(defaults.DATA) == {*NAMES, "yours"}
    for row in defaults.DATA.values():
        assert set(row) <= set(defaults.COMMON)
    for name, likelihood in defaults.KL_WEIGHT:
        assert name in defaults.DATA and likelihood in ("bernoulli", "gaussian")


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


@pytest.mark.parametrize("option", list(defaults.COMMON))
def test_in_words_tells_the_default_of_every_data_set(option):
    first, *others = defaults.in_words(option).split("; ")
    told = dict(other.rsplit(" ", 1) for other in others)
    for name in defaults.DATA:
        expected = defaults.show(defaults.for_data(name)[option])
        assert told.get(name, first) == expected


def test_in_words_names_only_what_differs(monkeypatch):
    monkeypatch.setattr(defaults, "COMMON", defaults.COMMON | {"latent_dim": 10})
    rows = {"digits": {}, "serket": {"latent_dim": 18}, "yours": {"latent_dim": 10}}
    monkeypatch.setattr(defaults, "DATA", rows)
    assert defaults.in_words("latent_dim") == "10; serket 18"


def test_show():
    assert defaults.show((256, 128)) == "256-128"
    assert defaults.show((64,)) == "64"
    assert defaults.show(1e-3) == "0.001"


# --- The help -------------------------------------------------------------------------


def test_help_names_every_option_with_its_default():
    parser = options.make_parser(VARIANTS)
    text = "".join(parser.format_help().split())
    for action in parser._actions:
        assert action.help
        assert all(flag in text for flag in action.option_strings)
        if action.dest != "help":
            assert "default" in action.help, action.dest
    for option in defaults.COMMON:
        assert "".join(defaults.in_words(option).split()) in text
    for variant in VARIANTS:
        assert variant in text


# --- What options become --------------------------------------------------------------


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
    "arguments, message",
    [
        ("--variant vanilla --likelihood bernoulli", "the variant vanilla is gaussian"),
        ("--variant bernoulli --likelihood gaussian", "bernoulli is bernoulli"),
        ("--variant vanilla --rounds 3", "--rounds 3: .* one round"),
        ("--variant bernoulli --rounds 2", "--rounds 2: .* one round"),
        ("--variant bernoulli --sigma 1", "--sigma 1.* --likelihood gaussian"),
        ("--likelihood bernoulli --sigma learn", "--sigma learn belongs to a gaussian"),
        ("--learned-prior", "--learned-prior: only the variant conditional"),
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


def test_conv_needs_images():
    given = parse("--network", "conv")
    with pytest.raises(ValueError, match=r"--network conv needs images.*\(6,\).*mlp"):
        options_to_config.resolve(given, dataset(input_shape=(6,)))


# --- Types ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, word, value",
    [
        (option_types.whole, "1", 1),
        (option_types.whole, "30", 30),
        (option_types.not_negative, "0", 0),
        (option_types.not_negative, str(2**70), 2**70),
        (option_types.above_zero, "1e-3", 1e-3),
        (option_types.above_zero, "2", 2.0),
        (option_types.above_zero_or_learn, "learn", "learn"),
        (option_types.above_zero_or_learn, ".5", 0.5),
        (option_types.row_range, "0,59999", [0, 59999]),
        (option_types.row_range, "7,7", [7, 7]),
        (option_types.tag, "first try", "first try"),
        (option_types.kl_weight, "0", "0"),
        (option_types.kl_weight, "0.5", "0.5"),
        (option_types.kl_weight, "linear:5", "linear:5"),
        (option_types.kl_weight, "linear:5:0.5", "linear:5:0.5"),
        (option_types.kl_weight, "cyclical:2.5:0", "cyclical:2.5:0"),
    ],
)
def test_a_word_becomes_a_value(kind, word, value):
    assert kind(word) == value
    assert type(kind(word)) is type(value)


@pytest.mark.parametrize(
    "kind, words",
    [
        (option_types.whole, "0 -1 1.5 1e3 one nan inf"),
        (option_types.not_negative, "-1 0.5 none nan inf"),
        (option_types.above_zero, "0 -0.1 fast nan inf -inf 1e999 1e-999"),
        (option_types.above_zero_or_learn, "0 -1 learned nan inf"),
        (option_types.row_range, "5 5,4 -1,4 a,b 1, ,1 1,2,3 1-2"),
        (option_types.tag, ". .. a/b a:b *"),
        (
            option_types.kl_weight,
            "-0.1 nan inf heavy :5 linear linear: linear:0 linear:-1",
        ),
        (
            option_types.kl_weight,
            "linear:x:1 linear:5:x linear:5:-1 linear:5:inf linear:5:",
        ),
        (
            option_types.kl_weight,
            "linear:5:1:2 cyclical:0:1 cyclical:nan:1 square:5:1 5:1",
        ),
    ],
)
def test_other_words_are_refused_with_what_came(kind, words):
    for word in ["", *words.split()]:
        with pytest.raises(argparse.ArgumentTypeError, match="^expected ") as refused:
            kind(word)
        part = word.rpartition(":")[2]
        parts = (word, part, *word.split(":"), *word.partition(","))
        came = [f"got {text!r}" for text in parts]
        assert any(text in str(refused.value) for text in came)


def test_kl_weight_becomes_a_number_or_a_schedule():
    assert make.schedule("0.5") == 0.5
    linear = make.schedule("linear:5:0.5")
    assert isinstance(linear, LinearWarmUp)
    assert [linear(e) for e in (0, 5, 9)] == [0, 0.5, 0.5]
    assert make.schedule("linear:4")(2) == 0.5
    cyclical = make.schedule("cyclical:4:2")
    assert isinstance(cyclical, Cyclical)
    assert [cyclical(e) for e in range(5)] == [0, 1, 2, 2, 0]


@pytest.mark.parametrize("word", ["0", "7", "linear:1", "cyclical:0.5:3"])
def test_every_kl_weight_that_is_taken_becomes_one(word):
    schedule = make.schedule(option_types.kl_weight(word))
    assert math.isfinite(schedule if isinstance(schedule, float) else schedule(1))
