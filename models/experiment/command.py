"""How every command ends: its exit code, and a sentence where the user can mend it."""

import sys

INTERRUPTED = 130  # the exit code of a command stopped by Ctrl-C


def finish(parser, run, arguments=None):
    """Parses the arguments and runs the command; returns its exit code.

    `run` takes the parsed arguments and returns an exit code, or `None` for 0. What it
    raises as ValueError or OSError is a sentence for the user; anything else is a fault
    of this project and keeps its traceback.
    """
    given = parser.parse_args(arguments)
    try:
        return run(given) or 0
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
