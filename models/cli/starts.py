"""Which of several starts to keep, without labels: `--starts`.

Starts that err do so each in its own way, so the classes of a good one are those that
most of the others find too. Neither the bound of the whole model nor that of the
mixture tells as much: two merged classes cost less than log 2 nats, and p(x|z) differs
by more from one start to the next.
"""

import numpy as np

from models.evaluation.metrics import mean_agreement

# key, width, format
COLUMNS = [("seed", 6, "d"), ("agreement", 11, ".3f")]
COLUMNS += [("elbo", 10, ".2f"), ("accuracy", 10, ".3f")]


def compare(seeds: list[int], classes: list, scores: list[dict]) -> list[dict]:
    """A row for each start: its seed, its agreement with the others, and its scores.

    Args:
        seeds: of the starts.
        classes: of the starts, each (n,) int.
        scores: of the last round of each, of which `elbo` and `accuracy` are shown.
    """
    rows = []
    for seed, share, each in zip(seeds, mean_agreement(classes), scores, strict=True):
        known = {k: each[k] for k in ("elbo", "accuracy") if each.get(k) is not None}
        rows.append({"seed": seed, "agreement": float(share)} | known)
    return rows


def best(rows: list[dict]) -> int:
    """The number of the start that agrees most with the others."""
    return int(np.argmax([row["agreement"] for row in rows]))


def describe(rows: list[dict]) -> str:
    """The table of the starts, with a mark at the one that is kept."""
    columns = [each for each in COLUMNS if each[0] in rows[0]]
    lines = ["", "".join(f"{key:>{width}}" for key, width, _ in columns)]
    for i, row in enumerate(rows):
        cells = [f"{row[key]:{width}{form}}" for key, width, form in columns]
        lines.append("".join(cells) + "  kept" * (i == best(rows)))
    return "\n".join(lines)
