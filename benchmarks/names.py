"""The rows of a table that a user asks for by name."""

import argparse


def add_names(parser, known):
    """NAMES, among those known; none for all of them."""

    def name(text):
        if text not in known:
            raise argparse.ArgumentTypeError(f"unknown; known: {', '.join(known)}")
        return text

    parser.add_argument(
        "names", nargs="*", type=name, metavar="NAMES", help=", ".join(known)
    )
