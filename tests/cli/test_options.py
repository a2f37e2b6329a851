"""The options of the command: their defaults, their help, their types."""

import argparse
import re

import pytest

from models import VARIANTS
from models.cli import defaults, option_types, options
from models.cli.common_options import COMMON, CONFIG
from models.cli.signatures import flag_of
from models.data.builtin_datasets import NAMES
from models.deprecated import OPTIONS, renamed_options

# --- The table of defaults ------------------------------------------------------------


def test_every_data_set_has_a_row_of_known_options():
    assert set(defaults.DATA) == {*NAMES, "custom"}
    for row in defaults.DATA.values():
        assert set(row) <= {*CONFIG, *defaults.COMMON}
    assert {kind for kind, _ in defaults.KL_WEIGHT} <= set(defaults.DATA)


@pytest.mark.parametrize("key", [*CONFIG, *defaults.COMMON])
def test_describe_has_the_default_of_every_data_set(key):
    default = CONFIG[key].default if key in CONFIG else None
    first, *others = (defaults.describe(key, default) or "none").split("; ")
    described = dict(other.rsplit(" ", 1) for other in others)
    for kind in defaults.DATA:
        value = defaults.for_data(kind).get(key, default)
        is_none = value in (None, ()) or value is False
        expected = "none" if is_none else option_types.show(value)
        assert described.get(kind, first) == expected


def test_describe_names_only_what_differs(monkeypatch):
    rows = {"digits": {}, "serket": {"latent_dim": 18}, "custom": {"latent_dim": 10}}
    monkeypatch.setattr(defaults, "DATA", rows)
    assert defaults.describe("latent_dim", 10) == "10; serket 18; table by its size"
    assert defaults.describe("sigma", 1.0, "learn") == "learn"
    assert defaults.describe("rows", None) is None


@pytest.mark.parametrize(
    "value, text",
    [
        ((256, 128), "256-128"),
        ([64], "64"),
        (1e-3, "0.001"),
        (("linear", 5.0, 0.5), "linear:5:0.5"),
        ("em", "em"),
        (3, "3"),
    ],
)
def test_show(value, text):
    assert option_types.show(value) == text


# --- The parser -----------------------------------------------------------------------


def test_help_names_every_option_and_variant():
    text = " ".join(options.train_parser().format_help().split())
    for option in COMMON.values():
        assert re.search(f"{flag_of(option.key)}[ ,]", text) and option.text
        if default := defaults.describe(option.key, option.default):
            assert default in text.replace("VARIANT- DATA", "VARIANT-DATA")
    for variant in VARIANTS:
        assert variant in text


def test_only_what_was_given_is_returned():
    assert options.parse([]) == {}
    words = "--epochs 3 --hidden-dims 8 4 --rows 0,9 --augment --kl-weight linear:5"
    assert options.parse(words.split()) == {
        "epochs": 3,
        "hidden_dims": [8, 4],
        "rows": (0, 9),
        "augment": True,
        "kl_weight": ("linear", 5.0),
    }


def test_an_abbreviation_is_accepted_unless_it_is_ambiguous(capsys):
    given = options.parse(["--var", "beta", "--capa", "3", "--epo", "2"])
    assert given == {"variant": "beta", "capacity": 3.0, "epochs": 2}
    with pytest.raises(SystemExit):
        options.parse(["--n", "3"])
    assert "ambiguous option: --n could match" in capsys.readouterr().err


# those of the components that --likelihood names
COUNTS = "--dispersion --scale --degrees-of-freedom"


# --- Options of a variant -------------------------------------------------------------


@pytest.mark.parametrize(
    "variant, flags, default",
    [
        ("vanilla", "--sigma", "--sigma R|learn .*default: learn"),
        ("bernoulli", "--binarize", "--n-samples N .*default: 1"),
        (
            "beta",
            f"--capacity --likelihood --sigma --binarize {COUNTS}",
            "KL: .*default: 2",
        ),
        (
            "iwae",
            f"--doubly-reparameterized --likelihood --sigma --binarize {COUNTS}",
            "--n-samples N .*default: 5",
        ),
        (
            "conditional",
            f"--learned-prior --likelihood --sigma --binarize {COUNTS}",
            "--likelihood {bernoulli,.*} .*default: gaussian; mnist bernoulli",
        ),
        (
            "serket",
            f"--likelihood --sigma --binarize {COUNTS}",
            "KL: .*default: 1; digits with",
        ),
    ],
)
def test_help_of_a_variant_has_its_options(capsys, variant, flags, default):
    with pytest.raises(SystemExit) as stop:
        options.parse(["--variant", variant, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    own = text[text.index(f"the variant {variant}: ") :]
    assert stop.value.code == 0
    assert set(re.findall(r"(?<=\s)--[a-z-]+", own)) == set(flags.split())
    assert re.search(default, text)


@pytest.mark.parametrize(
    "words, message",
    [
        ("--capacity 3", "--capacity is an option of beta, and the variant is serket"),
        ("--capacity=3 --variant vanilla", "--capacity is an option of beta, and"),
        ("--learned-prior", "--learned-prior is an option of conditional, and"),
        (
            "--variant bernoulli --sigma 1",
            "--sigma is an option of vanilla, beta, iwae, conditional, ",
        ),
        (
            "--variant vanilla --likelihood bernoulli",
            "--likelihood is an option of beta, iwae, conditional, ",
        ),
        ("--learning-speed 1", "unrecognized arguments: --learning-speed 1"),
        ("digits", "unrecognized arguments: digits"),
    ],
)
def test_an_option_of_another_variant_is_refused_with_its_name(capsys, words, message):
    with pytest.raises(SystemExit) as stop:
        options.parse(words.split())
    assert stop.value.code == 2
    assert f"error: {message}" in capsys.readouterr().err


# --- Old names ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old, new",
    [
        ("--shake", "--augment"),
        ("--range 1,2", "--rows 1,2"),
        ("--hold-out .2", "--test-fraction .2"),
        ("--log-every 5", "--steps-per-epoch 5"),
        ("--tag=first", "--name=first"),
        ("--weights here", "--init-weights here"),
        ("--gmm gibbs", "--gmm-inference gibbs"),
        ("--message hard", "--gmm-message class-mean"),
        ("--message=soft", "--gmm-message=collapsed"),
    ],
)
def test_an_old_option_works_with_a_warning(capsys, old, new):
    assert options.parse(old.split()) == options.parse(new.split())
    flag, new_flag = (re.split("[ =]", words)[0] for words in (old, new))
    warning = f"{options.PROG}: FutureWarning: {flag} is now {new_flag}\n"
    assert capsys.readouterr().err == warning


def test_the_configuration_of_an_earlier_run_gets_the_new_names():
    old = {"gmm": "em", "message": "soft", "tag": None, "range": [0, 5], "seed": 3}
    new = {"gmm_inference": "em", "gmm_message": "collapsed", "name": None}
    assert renamed_options(old) == new | {"rows": [0, 5], "seed": 3}
    assert set(OPTIONS.values()) <= set(CONFIG)


# --- Types ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, word, value",
    [
        (option_types.positive_integer, "1", 1),
        (option_types.positive_integer, "30", 30),
        (option_types.natural_number, "0", 0),
        (option_types.natural_number, str(2**70), 2**70),
        (option_types.positive_number, "1e-3", 1e-3),
        (option_types.positive_number, "2", 2.0),
        (option_types.row_range, "0,59999", (0, 59999)),
        (option_types.row_range, "7,7", (7, 7)),
        (option_types.folder_name, "first try", "first try"),
        (option_types.weight, "0", 0.0),
        (option_types.weight, "0.5", 0.5),
        (option_types.weight, "linear:5", ("linear", 5.0)),
        (option_types.weight, "linear:5:0.5", ("linear", 5.0, 0.5)),
        (option_types.weight, "cyclical:2.5:0", ("cyclical", 2.5, 0.0)),
    ],
)
def test_a_word_becomes_a_value(kind, word, value):
    assert kind(word) == value
    assert type(kind(word)) is type(value)


@pytest.mark.parametrize(
    "kind, words",
    [
        (option_types.positive_integer, "0 -1 1.5 1e3 one nan inf"),
        (option_types.natural_number, "-1 0.5 none nan inf"),
        (option_types.positive_number, "0 -0.1 fast nan inf -inf 1e999 1e-999"),
        (option_types.row_range, "5 5,4 -1,4 a,b 1, ,1 1,2,3 1-2"),
        (option_types.folder_name, ". .. a/b a:b *"),
        (
            option_types.weight,
            "-0.1 nan inf heavy :5 linear linear: linear:0 linear:-1",
        ),
        (
            option_types.weight,
            "linear:x:1 linear:5:x linear:5:-1 linear:5:inf linear:5:",
        ),
        (
            option_types.weight,
            "linear:5:1:2 cyclical:0:1 cyclical:nan:1 square:5:1 5:1",
        ),
    ],
)
def test_other_words_are_refused_with_what_was_received(kind, words):
    for word in ["", *words.split()]:
        with pytest.raises(argparse.ArgumentTypeError, match="^expected ") as refused:
            kind(word)
        part = word.rpartition(":")[2]
        parts = (word, part, *word.split(":"), *word.partition(","))
        received = [f"got {text!r}" for text in parts]
        assert any(text in str(refused.value) for text in received)
