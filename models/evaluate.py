"""python -m models.evaluate: scores of a finished run on data it was not trained on."""

import sys
from dataclasses import dataclass
from typing import Literal

from models import plotting
from models.cli import option_types as types
from models.cli import run_commands
from models.cli.command import Command

FILE_DESCRIPTIONS = {
    "evaluation.json": "the scores; log-probabilities are in nats",
    "evaluation.png": "the scores on one page",
    "data.npz": "for each example: log p(x), its errors, the terms of the ELBO, class",
}
NO_TEST = (
    "No test rows were kept (--test-fraction): these are the scores of the training "
    "rows,\nand new rows may score lower."
)
FEW_ROWS = (
    "The labels are not predicted from z: that takes two labels and ten training rows "
    "or,\nwithout test rows, 20 rows, five of each label."
)
# line -> score, format, and a note of other scores
LINES = {
    "log p(x), {n_samples} samples": ("log_px", ".2f", "{error}"),
    "effective sample size": ("ess_median", ".1f", "median; minimum {ess_min:.1f}"),
    "ELBO": ("elbo", ".2f", ""),
    "log-likelihood E_q[log p(x|z)]": ("log_likelihood", ".2f", ""),
    "KL(q(z|x) || p(z))": ("kl", ".2f", ""),
    "objective": ("objective", ".2f", ""),
    "RMSE of reconstructions": ("rmse", ".4f", ""),
    "active units": ("active_units", "d", "of {latent_dim}"),
    "mutual information I(x; z)": ("mutual_information", ".2f", ""),
    # where there are classes or labels:
    "classes: accuracy": ("accuracy", ".3f", ""),
    "classes: ARI": ("ari", ".3f", ""),
    "classes: NMI": ("nmi", ".3f", ""),
    "classes: silhouette": ("silhouette", ".3f", ""),
    "labels from z, linear probe": ("linear", ".3f", ""),
    "labels from z, 10 neighbours": ("k_nn", ".3f", ""),
}


@dataclass(kw_only=True)
class Options(run_commands.OnRun):
    """Score a run on test data or, if it has none, on its training data.

    The scores are log p(x) by importance sampling, the ELBO and its terms, the
    objective, properties of the latents, and the agreement of classes with labels.

    Args:
        split: the test rows of the run, or its training rows (default: test if there
            are any).
        data: other data, named as for --data of models.train (default: the run's own).
        labels: labels of --data (default: those in the data).
        n_samples: importance samples of z for each example; papers use 5000.
        seed: of the random numbers.
    """

    split: Literal["test", "train"] | None = None
    data: types.Source | None = None
    labels: types.LabelSource | None = None
    n_samples: types.Positive = 500
    seed: types.Natural = 0


def run(given):
    """Scores the run. Raises ValueError or OSError for user errors."""
    opened = run_commands.open_run(given.run)
    split = choose_split(opened, given)
    dataset, train = select_data(opened, given, split)
    label = opened.labels_for(dataset)
    with run_commands.results(opened, given, FILE_DESCRIPTIONS, dataset) as folder:
        if given.data is None and not opened.has_test:
            print(NO_TEST, flush=True)
        vae = run_commands.load_model(opened)
        from tqdm.auto import tqdm

        from models.cli import table_scores
        from models.data import check_unit_interval
        from models.evaluation import scores

        if given.data and vae.likelihood.in_unit_interval:
            check_unit_interval(dataset, "scale them like the training data")
        table = dataset
        if vae.observation is not None:  # p(x|z) is the density of binarised x
            dataset = dataset.binarized(given.seed)
            train = train and train.binarized(given.seed)
        x, others = dataset.x, {"labels": dataset.labels, "mixture": opened.mixture}
        others |= {"batch_size": opened.config["batch_size"], "seed": given.seed}
        others |= {"n_samples": given.n_samples}
        with tqdm(total=len(x), unit=" rows", leave=False, disable=None) as bar:
            evaluation = scores.evaluate(vae, x, label, progress=bar.update, **others)
        found = {"data": dataset.name, "split": split, "rows": len(x)}
        found |= {"n_samples": given.n_samples} | evaluation.scores
        found["probe_accuracy"] = score_probes(opened, dataset, train, evaluation.z)
        text = format_scores(found)
        found |= table_scores.evaluate(opened, table, train, vae, evaluation.z, label)
        folder.write_json("evaluation.json", {"run": opened.path} | found)
        arrays = vars(evaluation.log_px) | {"elbo": evaluation.log_px.elbo}
        arrays |= {"classes": evaluation.classes, "labels": dataset.labels}
        folder.write_arrays("data.npz", **arrays)
        columns = found.get("columns")
        page = plot_page(vae, table, label, evaluation, text, columns)
        folder.write_figure("evaluation.png", page)
        print("\n".join([text, *table_scores.describe(found, table)]) + "\n")


def choose_split(run, given):
    """The split to score, `None` for other data. Raises ValueError for --labels."""
    if given.data is not None:
        return None
    if given.labels is not None:
        raise ValueError(f"--labels {given.labels} needs --data: give both, or neither")
    return given.split or ("test" if run.has_test else "train")


def select_data(run, given, split):
    """The data, and the training data of the run, or `None` if they are the same."""
    if given.data is not None:
        return run.load(given.data, given.labels), run.dataset
    return (run.dataset, None) if split == "train" else (run.test, run.dataset)


def score_probes(run, dataset, train, z):
    """The accuracy of labels predicted from z, fitted to the training data if any."""
    from models.evaluation.metrics import probe_scores

    # the names of other labels would be learned under the same codes
    is_known = train is None or train.label_names == dataset.label_names
    if dataset.labels is None or not is_known:
        return None
    if train is not None:
        train = run.model.latents(train.x, run.labels_for(train)), train.labels
    scores = probe_scores(z, dataset.labels, train)
    if scores is None:
        print(FEW_ROWS, flush=True)
    return scores


def format_scores(scores):
    """The scores as lines for the screen; a dash where one is not defined."""
    prior = "the mixture" if scores["p(z)"] == "mixture" else "the prior of the model"
    errors = {"data": scores["log_px_se"], "MC": scores["log_px_mc_se"]}
    errors = [f"+- {v:.2g} ({k})" for k, v in errors.items() if v is not None]
    values = {**scores, "error": " ".join(errors)}
    values |= {f"ess_{name}": value for name, value in scores["ess"].items()}
    values |= {**(scores["classes"] or {}), **(scores["probe_accuracy"] or {})}
    kind = {"test": "test rows", "train": "training rows"}.get(scores["split"], "rows")
    lines = [f"{scores['data']}: {scores['rows']} {kind}, in nats; p(z) is {prior}"]
    for title, (name, pattern, note) in LINES.items():
        if name in values:
            is_defined = values[name] is not None and values[name] == values[name]
            cell = format(values[name], pattern) if is_defined else "-"
            line = f"  {title.format(**values):<32}{cell:>10}  {note.format(**values)}"
            lines.append(line.rstrip())
    if scores["log_px_warning"]:
        before, after = scores["log_px_warning"].split(": ")
        lines += [f"warning: {before}:", f"  {after};", "  use more --n-samples"]
    return "\n".join(lines)


def plot_page(vae, dataset, label, evaluation, text, columns=None):
    """The scores on one page; also extreme images, or the columns of a table.

    `columns` are those of `table_scores.evaluate`.
    """
    terms, scores = evaluation.log_px, evaluation.scores
    classes, extremes = None, None
    if evaluation.classes is not None and dataset.labels is not None:
        classes = dataset.labels, evaluation.classes, dataset.label_names
    if dataset.is_image:
        rows = plotting.extreme_rows(terms.log_px)
        shown = None if label is None else label[rows.ravel()]
        x_mean = run_commands.decode_grid(vae, evaluation.z[rows], shown)
        extremes = dataset.x[rows], x_mean
    values = terms.log_px, terms.elbo, scores["kl_per_dimension"]
    if columns:
        from models.cli.table_scores import describe_error, share

        columns = {k: (share(v), describe_error(v)) for k, v in columns.items()}
    return plotting.plot_evaluation(text, *values, classes, extremes, columns)


main = Command("evaluate", Options, run)

if __name__ == "__main__":
    sys.exit(main())
