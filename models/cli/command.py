"""How every command ends: its exit code, and a sentence where the user can mend it."""

import sys

from models.cli.backend import only_backend

INTERRUPTED = 130  # the exit code of a command stopped by Ctrl-C


def finish(parser, run, arguments=None):
    """Parses the arguments and runs the command; returns its exit code.

    `run` takes the parsed arguments and returns an exit code, or `None` for 0. What it
    raises as ValueError or OSError is a sentence for the user; anything else is a fault
    of this project and keeps its traceback.
    """
    return guarded(parser.prog, run, parser.parse_args(arguments))


def guarded(name, run, *arguments):
    """The exit code of `run`, as `finish` has it, of the command of this name."""
    try:
        with only_backend():
            return run(*arguments) or 0
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return 2
