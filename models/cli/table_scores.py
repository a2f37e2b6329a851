"""Scores of a run on a table: of its columns, and of a mixture of the table itself."""

import numpy as np

from models.data.named_columns import named_columns
from models.evaluation import data_mixture
from models.evaluation.metrics import column_scores

MAX_COLUMNS = 12  # on the screen; of more, the best and the worst
N_EXTREMES = 5
MAX_ENTRIES = 100  # of a row, with full covariances


def evaluate(run, dataset, train, vae, z, label) -> dict:
    """The scores of a table in memory; none of other data.

    Args:
        run: the `SavedRun`.
        dataset: what is scored.
        train: the training data, if these are others, else `None`.
        vae: the model.
        z: the latents of the data.
        label: the labels that the model takes, or `None`.

    Returns "columns", the scores of each column in the user's units, and
    "table_mixture", `None` where it cannot be compared.
    """
    if dataset.columns is None or dataset.is_on_disk:
        return {}
    decided = dataset.preprocessing
    stored = named_columns(decided, dataset.values.raw(slice(None)))
    decoded = named_columns(decided, decided.inverse(vae.decode(z, label)))
    columns = {name: column_scores(stored[name], decoded[name]) for name in stored}
    mixture = None
    if train is not None and label is None and is_comparable(decided):
        mixture = score_mixture(run.config, train.x, dataset.x)
    return {"columns": columns, "table_mixture": mixture}


def is_comparable(preprocessing) -> bool:
    """Whether log p(x) is a density of numbers, few enough for full covariances."""
    kinds = {column.kind for column in preprocessing.columns or ()}
    is_small = len(preprocessing.entries) <= MAX_ENTRIES
    return preprocessing.standardize and "category" not in kinds and is_small


def score_mixture(config, train, x) -> dict:
    """log p(x) of a mixture that is fitted to the training rows."""
    n, seed = config.get("n_components"), config["seed"]
    n = n or data_mixture.choose_n_components(train, seed)
    log_px = data_mixture.held_out_log_px(train, x, n, seed)
    return {"n_components": n, "log_px": float(log_px.mean())}


def describe(scores: dict, dataset) -> list[str]:
    """The scores of a table as lines for the screen."""
    lines = []
    if dataset.preprocessing.standardize:
        lines.append("  (log p(x) is the density of the standardised columns)")
    if mixture := scores.get("table_mixture"):
        n, log_px = mixture["n_components"], mixture["log_px"]
        name, note = "log p(x), mixture of the table", f"{n} Gaussians without a VAE"
        lines.append(f"  {name:<32}{log_px:>10.2f}  {note}")
        if log_px > scores["log_px"]:
            lines += [
                "  This mixture explains these rows better than the model does: train",
                "  longer, or use such a mixture itself for classes and densities",
            ]
    if columns := scores.get("columns"):
        lines += describe_columns(columns)
    return lines


def describe_columns(columns: dict[str, dict]) -> list[str]:
    """The columns, or the best and the worst of many, in lines."""
    shown, title = list(columns), "reconstructed columns"
    if len(columns) > MAX_COLUMNS:
        shown.sort(key=lambda name: -share(columns[name]))
        shown = shown[:N_EXTREMES] + shown[-N_EXTREMES:]
        title = f"{N_EXTREMES} best, {N_EXTREMES} worst of {len(columns)} columns"
    width = max(len(title), *(len(name) + 2 for name in shown))
    lines = [f"{title:<{width}}{'RMSE':>12}{'R2':>9}"]
    for name in shown:
        scores = columns[name]
        cells = format_score(scores.get("rmse"), ".4g"), format_score(share(scores))
        if "right" in scores:
            cells = "", format_score(scores["right"], ".0%") + " right"
        lines.append(f"{'  ' + name:<{width}}{cells[0]:>12}{cells[1]:>9}")
    return lines


def share(scores: dict) -> float:
    """R^2, or the share of right categories; -inf if it is not defined."""
    value = scores.get("r2", scores.get("right"))
    return -np.inf if value is None else value


def format_score(value, pattern: str = ".3f") -> str:
    """A dash where a score is not defined."""
    return "-" if value is None or np.isinf(value) else format(value, pattern)
