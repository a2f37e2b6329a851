"""Scores of a run on a table: of its columns, and of a mixture of the table itself."""

import numpy as np

from models.evaluation import data_mixture
from models.evaluation.log_likelihood import estimate_log_px
from models.evaluation.metrics import column_scores
from models.evaluation.scores import is_prior

N_SAMPLES = 100  # importance samples of the comparison after training
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
    columns, mixture = score_columns(dataset, vae.decode(z, label)), None
    if train is not None and is_comparable(run):
        mixture = score_mixture(run.config, train.x, dataset.x)
    return {"columns": columns, "table_mixture": mixture}


def score_columns(dataset, x_mean) -> dict[str, dict]:
    """`column_scores` of each column of a table; x_mean is of p(x|z), (n, d)."""
    stored, decoded = dataset.stored_columns, dataset.columns_of(x_mean)
    return {name: column_scores(stored[name], decoded[name]) for name in stored}


def compare_held_out(run) -> list[str]:
    """Lines where a mixture of the table explains its held-out rows better; else none.

    run: a `SavedRun` with test rows.
    """
    if run.test.is_image or run.test.is_on_disk or not is_comparable(run):
        return []
    has_prior = is_prior(run.mixture, run.model)
    log_prior = run.mixture.score_samples if has_prior else None
    options = {"log_prior": log_prior, "seed": run.config["seed"]}
    terms = estimate_log_px(run.model, run.test.x, n_samples=N_SAMPLES, **options)
    log_px = float(terms.log_px.mean())
    mixture = score_mixture(run.config, run.dataset.x, run.test.x)
    if mixture["log_px"] <= log_px:
        return []
    line = f"  {f'log p(x), {N_SAMPLES} samples':<32}{log_px:>10.2f}  held-out rows"
    return ["", line, *describe_mixture(mixture, log_px)]


def is_comparable(run) -> bool:
    """Whether log p(x) is a density of numbers, few enough for full covariances."""
    preprocessing = run.preprocessing
    if preprocessing is None or run.is_conditional:
        return False
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
        lines += describe_mixture(mixture, scores["log_px"])
    if columns := scores.get("columns"):
        lines += describe_columns(columns)
    return lines


def describe_mixture(mixture: dict, log_px: float) -> list[str]:
    """The score of a mixture of the table beside the model's log p(x), in lines."""
    name = "log p(x), mixture of the table"
    note = f"{mixture['n_components']} Gaussians without a VAE"
    lines = [f"  {name:<32}{mixture['log_px']:>10.2f}  {note}"]
    if mixture["log_px"] > log_px:
        lines += [
            "  This mixture explains these rows better than the model does: train",
            "  longer, or use such a mixture itself for classes and densities",
        ]
    return lines


def describe_columns(columns: dict[str, dict]) -> list[str]:
    """The columns, or the best and the worst of many, in lines."""
    shown, title = list(columns), "reconstructed columns"
    if len(columns) > MAX_COLUMNS:
        shown.sort(key=lambda name: -np.nan_to_num(share(columns[name]), nan=-np.inf))
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
    """R^2, or the share of right categories; NaN if it is not defined."""
    value = scores.get("r2", scores.get("right"))
    return np.nan if value is None else value


def describe_error(scores: dict) -> str:
    """The error of a column in words."""
    error = scores.get("right", scores.get("rmse"))
    if error is None:
        return "empty"
    if "right" in scores:
        return f"{error:.0%} right"
    return f"RMSE {error:.3g} {scores.get('unit', '')}".rstrip()


def format_score(value, pattern: str = ".3f") -> str:
    """A dash where a score is not defined."""
    return "-" if value is None or np.isnan(value) else format(value, pattern)
