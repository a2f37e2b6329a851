"""python -m models: the list of the commands."""

from importlib import import_module

import models

COMMANDS = ("train", "evaluate", "explore", "encode", "reconstruct", "sample")
COMMANDS += ("interpolate", "traverse")


def main() -> None:
    """Prints the version, and a line about each command."""
    print(f"keras-vae-zoo {models.__version__}. The commands, each with --help:\n")
    for name in COMMANDS:
        text = import_module(f"models.{name}").__doc__.partition("\n")[0]
        command, _, summary = text.partition(": ")
        print(f"  {command:30}{summary.rstrip('.')}")


if __name__ == "__main__":
    main()
