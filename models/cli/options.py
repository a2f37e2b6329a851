"""The options of `python -m models.train`: those of every run, and the variant's."""

import argparse
from argparse import SUPPRESS
from dataclasses import replace
from pathlib import Path

from models import VARIANTS
from models.cli.command import rename_flags
from models.cli.common_options import COMMON, CONFIG, GROUPS, Mixture
from models.cli.option_types import did_you_mean
from models.cli.signatures import add_option, flag_of, read_options
from models.deprecated import OPTIONS, VALUES
from models.suppress_output import import_keras

PROG = "python -m models.train"
USAGE = f"{PROG} [--variant NAME] [options]"
RENAMED = {flag_of(old): flag_of(new) for old, new in OPTIONS.items()}
RENAMED_VALUES = {flag_of(key): values for key, values in VALUES.items()}


def parse(arguments: list[str] | None = None) -> dict:
    """The options that were given, key -> value.

    Without options of a variant, no variant is imported. Exits with 2, and a sentence,
    if an option is unknown or wrong; raises ValueError for a wrong file of --config.
    """
    words = rename_flags(PROG, arguments, RENAMED, RENAMED_VALUES)
    named = find_named(words)
    stored = read_stored(**named) if "config" in named else {}
    given = parse_words(words, named.get("variant", stored.get("variant")))
    given.pop("config", None)
    if stored and "resume" in given:
        raise ValueError(f"--resume {given['resume']} takes no --config: leave it out")
    return stored | given


def read_stored(config: str, variant: str | None = None) -> dict:
    """The options in the config.json of a run that a variant has, by default its own.

    The name of the run is left out, and for another variant the mixture. ValueError if
    there is no such configuration.
    """
    from models.runs.saved_run import read_config

    stored = read_config(Path(config))
    variant = variant or stored["variant"]
    known = {*CONFIG, *variant_options(variant)[0]} - {"name"}
    if variant != stored["variant"]:
        known -= {option.key for option in read_options(Mixture)}
    if stored.get("steps"):
        known.remove("epochs")  # which follows from the steps
    given = {k: stored[k] for k in known & set(stored) if stored[k] is not None}
    tuples = {k: tuple(v) for k, v in given.items() if isinstance(v, list)}
    return given | tuples | {"variant": variant}


def parse_words(words: list[str], name: str | None) -> dict:
    """The options among the words, those of the variant of this name included."""
    parser = train_parser(add_help=name is None, allow_abbrev=False)
    given, others = parser.parse_known_args(words)
    if not others:
        return vars(given)
    if not any(word.startswith("-") for word in others):
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    name = name or VARIANTS.default
    parser = train_parser(name)
    given, unknown = parser.parse_known_args(words)
    if unknown:
        refuse(parser, unknown, name)
    return vars(given)


def find_named(words: list[str]) -> dict:
    """The variant and the file of --config, as far as they are given."""
    settings = {"usage": USAGE, "add_help": False, "argument_default": SUPPRESS}
    parser = argparse.ArgumentParser(prog=PROG, **settings)
    for key in ("variant", "config"):
        add_option(parser, replace(COMMON[key], default=SUPPRESS))
    return vars(parser.parse_known_args(words)[0])


def train_parser(variant: str | None = None, **settings) -> argparse.ArgumentParser:
    """The parser of the options of every run and, if it is named, of a variant.

    It returns only what was given. `settings` are those of `ArgumentParser`.
    """
    parser = argparse.ArgumentParser(
        prog=PROG,
        usage=USAGE,
        description="Train a VAE and write a folder of results and pictures. A variant "
        "that takes messages is trained jointly with a Gaussian mixture, in rounds. "
        f"Variants: {', '.join(VARIANTS)}.",
        argument_default=SUPPRESS,
        **settings,
    )
    own, common = ({}, {}) if variant is None else variant_options(variant)
    for options in GROUPS:
        group = parser.add_argument_group(options.__name__.lower())
        for option in read_options(options):
            default = common.get(option.key, option.default)
            add_option(group, replace(option, default=default))
    group = parser.add_argument_group(f"the variant {variant}")
    for option in own.values():
        add_option(group, option)
    return parser


def variant_options(name: str) -> tuple[dict, dict]:
    """The options of a variant, and its defaults of the options of every run."""
    import_keras()
    from models.cli.variant_options import common_defaults, of_variant

    return of_variant(name), common_defaults(name)


def refuse(parser, unknown: list[str], variant: str) -> None:
    """Exits; names the variants that have the unknown option, if there are any."""
    flags = {name: {*map(flag_of, variant_options(name)[0])} for name in VARIANTS}
    for flag in (word.partition("=")[0] for word in unknown):
        if owners := [name for name in VARIANTS if flag in flags[name]]:
            parser.error(
                f"{flag} is an option of {', '.join(owners)}, and the variant is "
                f"{variant}: leave it out, or use another variant"
            )
    known = {flag_of(option.key) for group in GROUPS for option in read_options(group)}
    question = did_you_mean(unknown[0].partition("=")[0], known.union(*flags.values()))
    parser.error(f"unrecognized arguments: {' '.join(unknown)}{question}")
