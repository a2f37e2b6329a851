"""The start and the end of a command: its flags, its exit code, its error messages."""

import sys

from models.cli.backend import only_backend

INTERRUPTED = 130  # the exit code of a command stopped by Ctrl-C


def finish(parser, run, arguments=None, renamed=None) -> int:
    """Parses the arguments and runs the command; returns its exit code.

    Args:
        parser: an `argparse.ArgumentParser`.
        run: takes the parsed arguments; returns an exit code, or `None` for 0. Its
            ValueError or OSError is a message for the user; any other error is a fault
            of this project, with a traceback.
        arguments: words; `None` is those of the command line.
        renamed: old flag -> new flag.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    words = rename_flags(parser.prog, words, renamed or {})
    return guarded(parser.prog, run, parser.parse_args(words))


def guarded(name: str, run, *arguments) -> int:
    """The exit code of `run(*arguments)`, as in `finish`, of the command `name`."""
    try:
        with only_backend():
            return run(*arguments) or 0
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return 2


def rename_flags(name: str, words: list[str], renamed: dict, values=None) -> list[str]:
    """The words of the command `name` with its new flags, and a warning for each.

    `renamed` has old flag -> new flag, `values` new flag -> {old value: new value}.
    """
    renamed_words, of_flag = [], {}
    for word in words:
        flag, equals, value = word.partition("=")
        if flag in renamed:
            print(
                f"{name}: FutureWarning: {flag} is now {renamed[flag]}", file=sys.stderr
            )
            flag = renamed[flag]
        elif not flag.startswith("-"):
            flag = of_flag.get(flag, flag)
        of_flag = (values or {}).get(flag, {})
        renamed_words.append(flag + equals + of_flag.get(value, value))
    return renamed_words
