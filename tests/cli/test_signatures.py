"""Options that follow from a signature and its docstring."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from models.cli.signatures import add_option, argument_texts, keywords_of, read_options


def example(
    x,
    count: int = 3,
    rate: float | None = 0.5,
    limit: int | None = None,
    is_on: bool = False,
    is_off: bool = True,
    widths: tuple[int, ...] = (8, 4),
    kind: Literal["a", "b"] = "a",
    scale: Annotated[float | None, "learn"] = 1.0,
    word: str = "yes",
    bare=2.0,
    **others,
):
    """Does nothing.

    Args:
        count: how many of Burda et al. (2016), 100 % of them. Not
            this sentence.
        rate: of learning; `None`
            is none.
        kind: a or b.

    Raises:
        ValueError: never.
    """


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
    for option in read_options(example, skip={"x"}):
        add_option(parser, option)
    return parser


@pytest.mark.parametrize(
    "words, values",
    [
        ("", {}),
        ("--count 5", {"count": 5}),
        ("--rate 2", {"rate": 2.0}),
        ("--rate none", {"rate": None}),
        ("--limit 2", {"limit": 2}),
        ("--is-on", {"is_on": True}),
        ("--is-off", {"is_off": False}),
        ("--widths 1 2 3", {"widths": [1, 2, 3]}),
        ("--kind b", {"kind": "b"}),
        ("--scale learn", {"scale": None}),
        ("--scale 2", {"scale": 2.0}),
        ("--word no", {"word": "no"}),
        ("--bare 3", {"bare": 3.0}),
    ],
)
def test_a_type_decides_what_is_written(parser, words, values):
    assert vars(parser.parse_args(words.split())) == values


@pytest.mark.parametrize(
    "words, expected",
    [
        ("--count 1.5", "expected an integer, got '1.5'"),
        ("--rate inf", "expected a number, got 'inf'"),
        ("--widths 1 x", "expected an integer, got 'x'"),
        ("--kind c", "invalid choice: 'c'"),
        ("--scale none", "expected a number, got 'none'"),
        ("--others 1", "unrecognized arguments: --others"),
    ],
)
def test_other_words_are_refused(parser, capsys, words, expected):
    with pytest.raises(SystemExit):
        parser.parse_args(words.split())
    assert expected in capsys.readouterr().err


def test_help_has_texts_and_defaults(parser):
    text = " ".join(parser.format_help().split())
    assert "how many of Burda et al. (2016), 100 % of them (default: 3)" in text
    assert "Not this" not in text and "never" not in text
    assert "--rate R|none of learning; None is none (default: 0.5)" in text
    assert "--widths N [N ...] (default: 8-4)" in text
    assert "--scale R|learn" in text and "--limit N " in text


def test_a_class_has_the_arguments_of_its_constructor():
    @dataclass
    class Options:
        """Some options.

        Args:
            first: the first one.
        """

        first: int = 1
        second: str | None = None

    first, second = read_options(Options)
    assert (first.name, first.default, first.text) == ("first", 1, "the first one")
    assert (second.key, second.default, second.text) == ("second", None, "")
    assert argument_texts(lambda: None) == {}


@pytest.mark.parametrize("annotation", [Callable, object, dict, Callable | None])
def test_what_cannot_be_written_is_no_option(annotation):
    with pytest.raises(KeyError):
        keywords_of(annotation)
