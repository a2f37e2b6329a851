"""The options of the command: their defaults, their help, their types."""

import argparse
import math

import pytest

from models import VARIANTS
from models.blocks.schedules import Cyclical, LinearWarmUp
from models.cli import build_model, defaults, option_types, options
from models.data.builtin_datasets import NAMES

# --- The table ------------------------------------------------------------------------


def test_every_data_set_has_a_row_of_known_options():
    assert set(defaults.DATA) == {*NAMES, "custom"}
    for row in defaults.DATA.values():
        assert set(row) <= set(defaults.COMMON)
    for name, likelihood in defaults.KL_WEIGHT:
        assert name in defaults.DATA and likelihood in ("bernoulli", "gaussian")


@pytest.mark.parametrize("option", list(defaults.COMMON))
def test_in_words_tells_the_default_of_every_data_set(option):
    first, *others = defaults.in_words(option).split("; ")
    told = dict(other.rsplit(" ", 1) for other in others)
    for name in defaults.DATA:
        expected = defaults.show(defaults.for_data(name)[option])
        assert told.get(name, first) == expected


def test_in_words_names_only_what_differs(monkeypatch):
    monkeypatch.setattr(defaults, "COMMON", defaults.COMMON | {"latent_dim": 10})
    rows = {"digits": {}, "serket": {"latent_dim": 18}, "custom": {"latent_dim": 10}}
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
    assert build_model.schedule("0.5") == 0.5
    linear = build_model.schedule("linear:5:0.5")
    assert isinstance(linear, LinearWarmUp)
    assert [linear(e) for e in (0, 5, 9)] == [0, 0.5, 0.5]
    assert build_model.schedule("linear:4")(2) == 0.5
    cyclical = build_model.schedule("cyclical:4:2")
    assert isinstance(cyclical, Cyclical)
    assert [cyclical(e) for e in range(5)] == [0, 1, 2, 2, 0]


@pytest.mark.parametrize("word", ["0", "7", "linear:1", "cyclical:0.5:3"])
def test_every_kl_weight_that_is_taken_becomes_one(word):
    schedule = build_model.schedule(option_types.kl_weight(word))
    assert math.isfinite(schedule if isinstance(schedule, float) else schedule(1))
