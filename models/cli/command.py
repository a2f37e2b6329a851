"""A command: its options, its exit code, its error messages, its backend."""

import argparse
import inspect
import json
import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from models.cli.option_types import did_you_mean
from models.cli.output import lasting_output
from models.cli.signatures import NO_DEFAULT, add_option, flag_of, read_options

BACKENDS = ("tensorflow", "jax", "torch")
INTERRUPTED = 130  # the exit code of a command stopped by Ctrl-C


@dataclass(frozen=True)
class Command:
    """A command: called with words, by default the command line's, it is run.

    Attributes:
        name: of `python -m models.NAME`.
        options: a dataclass, whose docstring is the help. Its `positional` has the
            names of the options without a flag.
        run: takes the parsed options; returns an exit code, or `None` for 0. Its
            ValueError or OSError is a message for the user; any other error is a fault
            of this project, with a traceback.
        renamed: old flag -> new flag.
    """

    name: str
    options: type
    run: Callable
    renamed: dict = field(default_factory=dict)

    def __call__(self, arguments: list[str] | None = None) -> int:
        """Runs the command; returns its exit code."""
        parser = self.parser()
        words = rename_flags(parser.prog, arguments, self.renamed)
        given, unknown = parser.parse_known_args(words)
        if unknown:
            known = [flag_of(option.key) for option in read_options(self.options)]
            question = did_you_mean(unknown[0].partition("=")[0], known)
            parser.error(f"unrecognized arguments: {' '.join(unknown)}{question}")
        return guarded(parser.prog, self.run, given)

    def parser(self) -> argparse.ArgumentParser:
        """The parser of the options."""
        text = inspect.getdoc(self.options).partition("\n\nArgs:")[0]
        prog = f"python -m models.{self.name}"
        parser = argparse.ArgumentParser(prog=prog, description=text)
        parser.set_defaults(command=self.name)
        for option in read_options(self.options):
            more = {"default": option.default}
            if option.default == ():  # it may be repeated
                more = {"action": "append", "nargs": None, "default": []}
            elif option.key in self.options.positional:
                more = {"nargs": "?" if option.default is None else None}
            elif option.default is NO_DEFAULT:
                more = {"required": True}
            add_option(parser, option, positional=self.options.positional, **more)
        return parser


def guarded(name: str, run, *arguments) -> int:
    """The exit code of `run(*arguments)`, as in `Command`, of the command `name`."""
    with lasting_output():
        try:
            with only_backend():
                return run(*arguments) or 0
        except KeyboardInterrupt:
            print("\nInterrupted.", file=sys.stderr)
            return INTERRUPTED
        except (ValueError, OSError) as error:
            print(f"{name}: error: {error}", file=sys.stderr)
            return 2


def rename_flags(name: str, words, renamed: dict, values=None) -> list[str]:
    """The words of the command `name` with its new flags, and a warning for each.

    `words` are by default those of the command line. `renamed` has old flag -> new
    flag, `values` new flag -> {old value: new value}.
    """
    renamed_words, of_flag = [], {}
    for word in sys.argv[1:] if words is None else words:
        flag, equals, value = word.partition("=")
        if new := renamed.get(flag):
            print(f"{name}: FutureWarning: {flag} is now {new}", file=sys.stderr)
            flag = new
        elif not flag.startswith("-"):
            flag = of_flag.get(flag, flag)
        of_flag = (values or {}).get(flag, {})
        renamed_words.append(flag + equals + of_flag.get(value, value))
    return renamed_words


@contextmanager
def only_backend():
    """The backend is installed, and TensorFlow is not imported beside another one.

    (On JAX and torch `model.save` would import TensorFlow to compare types, which takes
    seconds and writes its notes on the screen.) Raises ValueError if it is not.
    """
    name = chosen_backend()
    if name not in BACKENDS:
        raise ValueError(
            f"KERAS_BACKEND must be one of {', '.join(BACKENDS)}. Received: {name}"
        )
    if find_spec(name) is None:
        raise ValueError(
            f"KERAS_BACKEND={name}: {name} is not installed. Run pip install {name}, "
            "or set KERAS_BACKEND to a backend that is installed: "
            + (", ".join(filter(find_spec, BACKENDS)) or "there is none")
        )
    is_hidden = "tensorflow" not in {name, *sys.modules}
    if is_hidden:
        sys.modules["tensorflow"] = None  # makes its import fail
    try:
        yield
    finally:
        if is_hidden:
            sys.modules.pop("tensorflow", None)


def chosen_backend():
    """The name of the backend, where Keras finds it, without an import of Keras."""
    if keras := sys.modules.get("keras"):
        return keras.config.backend()
    if name := os.environ.get("KERAS_BACKEND"):
        return name
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((folder / "keras.json").read_text("utf-8"))["backend"]
    except (OSError, ValueError, KeyError):
        return "tensorflow"
