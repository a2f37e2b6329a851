"""Options from signatures: names, types, defaults and help of the arguments.

An annotation says how an argument is written: bool is a flag; int, float and str are
one word, tuples several; Literal["a", "b"] is one of these; Annotated[type, Word(...)]
is read by a function (`option_types`); with `Annotated[type, "learn"]` the word learn
stands for None, which elsewhere is "none". The help is the first sentence of the entry
in the section `Args:` of the docstring.
"""

import argparse
import inspect
import re
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from models.cli.defaults import describe
from models.cli.option_types import Word, integer, number

NO_DEFAULT = inspect.Parameter.empty
WORDS = {int: Word("N", integer), float: Word("R", number), str: Word("WORD")}


@dataclass(frozen=True)
class Option:
    """An argument of a function, as an option of the command.

    `text` describes it; `key` is its name in the configuration. An argument that is a
    component has its `classes`, by name. An argument of components has their names,
    `owners`, and the key of the option that chooses one, `component`.
    """

    name: str
    annotation: Any
    default: Any
    text: str
    key: str
    classes: dict[str, type] | None = None
    component: str | None = None
    owners: tuple[str, ...] = ()


def flag_of(key: str) -> str:
    """The option as it is typed: `n_samples` is `--n-samples`."""
    return "--" + key.rstrip("_").replace("_", "-")


def read_options(function, skip=()) -> list[Option]:
    """The arguments of a function or class, but for those in `skip`."""
    called = function.__init__ if isinstance(function, type) else function
    parameters = inspect.signature(called, eval_str=True).parameters
    texts, options = argument_texts(function), []
    for name in [name for name in parameters if name not in {"self", *skip}]:
        kind, default = parameters[name].annotation, parameters[name].default
        if parameters[name].kind != inspect.Parameter.VAR_KEYWORD:
            kind = type(default) if kind is NO_DEFAULT else kind
            options.append(Option(name, kind, default, texts.get(name, ""), name))
    return options


def argument_texts(function) -> dict[str, str]:
    """name -> the first sentence on it in the section `Args:` of the docstring."""
    entries = []
    for each in reversed(getattr(function, "__mro__", [function])):
        section = (inspect.getdoc(each) or "").partition("\nArgs:\n")[2]
        section = re.split(r"\n(?=\S)", section)[0]
        entry = r"^ {4}(\w+): (.*(?:\n {8}.*)*)"
        entries += re.findall(entry, section, re.MULTILINE)
    flat = {key: re.sub(r"\s+", " ", text.replace("`", "")) for key, text in entries}
    first = r"(?<!al)\. (?=[A-Z0-9])"  # the end of a sentence, not of "et al."
    return {key: re.split(first, text)[0].rstrip(". ") for key, text in flat.items()}


def add_option(group, option: Option, positional=(), **more) -> None:
    """Adds the option to a group of a parser."""
    keywords, none = {"choices": sorted(option.classes or ())}, "none"
    if option.classes is None:
        keywords, none = keywords_of(option.annotation, option.default)
    text = f"{' and '.join(option.owners)}: " * bool(option.owners) + option.text
    default = describe(option.name, option.default, none)
    text = (text + f" (default: {default})" * bool(default)).replace("%", "%%")
    keywords |= more
    word = option.key
    if option.key not in positional:
        word, keywords["dest"] = flag_of(option.key), option.key
    group.add_argument(word, help=text, **keywords)


def keywords_of(annotation, default=None) -> tuple[dict, str]:
    """The arguments of `add_argument` for this annotation, and the word for None.

    Raises KeyError if a value of this type cannot be written on the command line.
    """
    none, parts = "none", get_args(annotation)
    if get_origin(annotation) is Annotated:
        annotation, mark = parts
        if isinstance(mark, Word):
            return mark._asdict(), none
        none, parts = mark, get_args(annotation)
    if get_origin(annotation) is Literal:
        return {"choices": parts}, none
    if annotation is bool:
        return {"action": "store_const", "const": not default}, none
    if tuple in (annotation, get_origin(annotation)):
        keywords, _ = keywords_of(parts[0] if parts else str)
        return keywords | {"nargs": "+"}, none
    if NoneType in parts:
        inner = next(part for part in parts if part is not NoneType)
        if inner is bool:
            return {"action": argparse.BooleanOptionalAction}, none
        keywords, _ = keywords_of(inner, default)
        if none == "none" and default is None:
            return keywords, none
        parse, metavar = keywords["type"], f"{keywords['metavar']}|{none}"
        or_none = {"type": lambda text: None if text == none else parse(text)}
        return keywords | or_none | {"metavar": metavar}, none
    word = WORDS[float if float in parts else annotation]  # KeyError: not written
    return word._asdict(), none
