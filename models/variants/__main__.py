"""python -m models.variants: prints the table of variants in README.md.

A row has the components of the model that `build` makes with its defaults, each in the
words of the first sentence on its class, the arguments that not every variant has, and
the `SOURCE` of the file.
"""

import inspect
import re
import sys

from models import VARIANTS

COLUMNS = ("`--variant`", "q(z|x)", "p(z)", "p(x|z)", "maximises", "options", "source")


def main() -> None:
    """Prints the table, in Markdown."""
    head, *rows = (
        " | ".join(cell.replace("|", "&#124;") for cell in row)
        for row in (COLUMNS, *map(describe, VARIANTS))
    )
    print(f"| {head} |\n{'|---' * len(COLUMNS)}|")
    print(*(f"| {row} |" for row in rows), sep="\n")


def describe(name: str) -> list[str]:
    """The cells of the row of a variant."""
    build = VARIANTS[name]
    taken = inspect.signature(build).parameters
    model = build((8, 8), latent_dim=2, hidden_dims=(), seed=0)
    q, p_z, p_x, objective = map(
        formula, (model.posterior, model.prior, model.likelihood, model.objective)
    )
    weight = taken["kl_weight"].default
    objective = objective.replace("kl_weight ", f"{weight:g} " if weight != 1 else "")
    given = ", given y" * model.is_conditional
    message = ", times a message for each example" * model.takes_message
    p_x = "`--likelihood`" if "likelihood" in taken else p_x
    own = [f"`--{key.replace('_', '-')}`" for key in taken if is_own(key)]
    source = sys.modules[build.__module__].SOURCE
    cells = [f"`{name}`", q + given, p_z + message, p_x + given, objective]
    return [*cells, " ".join(own), source]


def is_own(key: str) -> bool:
    """Whether an argument is an option of few variants; labels set the others."""
    if key in {"likelihood", "n_labels", "label_dim"}:
        return False
    return any(key not in inspect.signature(b).parameters for b in VARIANTS.values())


def formula(component) -> str:
    """The first sentence on a class: "p(z) = N(0, I); ..." is "N(0, I)"."""
    paragraph = inspect.getdoc(type(component)).partition("\n\n")[0]
    text = re.sub(r"\s+", " ", paragraph)
    text = re.split(r"[.;] |\.$|,? \([A-Z]", text)[0]
    return re.sub(r"^(p\(z\)|q\(z\|x\)|p\(x\|z\)) = |^[^=:]*: ", "", text)


if __name__ == "__main__":
    main()
