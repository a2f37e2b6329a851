"""python -m models.evaluate: how good a finished run is, on data it has not seen."""

import sys

from models.cli import run_commands
from models.cli.command import finish
from models.cli.option_types import whole
from models.data import check_unit_interval

WHAT = {
    "evaluation.json": "the scores, in nats where they are log-probabilities",
    "evaluation.png": "the scores on one page",
    "data.npz": "of each datum: log p(x), its error, the ELBO's terms, its class",
}


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(make_parser(), run, arguments)


def make_parser():
    parser = run_commands.make_parser(
        "evaluate",
        "Score a run on data held out: log p(x) by importance sampling, the ELBO and "
        "its terms, what the latents hold, and how well classes agree with labels.",
    )
    add = parser.add_argument
    add(
        "--split",
        choices=["test", "train"],
        default="test",
        help="the run's own data: those held out, or those it was trained on "
        "(default: test)",
    )
    add(
        "--data",
        metavar="NAME|PATH",
        help="other data, named as --data of models.train (default: the run's own)",
    )
    add(
        "--labels",
        metavar="COLUMN|PATH",
        help="labels of --data (default: those in the data)",
    )
    add(
        "--n-samples",
        type=whole,
        default=500,
        metavar="N",
        help="draws of z for each datum; papers take 5000 (default: 500)",
    )
    run_commands.add_seed(parser)
    return parser


def run(given):
    """Scores the run. ValueError or OSError: what a user can mend."""
    opened, _ = run_commands.open_run(given.run)
    from tqdm.auto import tqdm

    from models.evaluation.scores import Evaluation, table

    dataset, train = data_to_score(opened, given)
    with run_commands.results(opened, given, WHAT) as folder:
        with tqdm(total=len(dataset.x), unit=" data", leave=False) as bar:
            evaluation = Evaluation(
                opened, dataset, train, given.n_samples, given.seed, bar.update
            )
        text = table(evaluation.scores)
        folder.json("evaluation.json", {"run": str(opened.path)} | evaluation.scores)
        folder.arrays("data.npz", **of_each_datum(evaluation))
        folder.figure("evaluation.png", plot_page(evaluation, text))
        print(text + "\n")
    return 0


def data_to_score(run, given):
    """(the data, the run's training data or `None` where these are the data)."""
    if given.data is None and given.labels is not None:
        raise ValueError(
            f"--labels {given.labels} are of --data: give both, or neither"
        )
    if given.data is not None:
        dataset = run.load(given.data, given.labels)
        if run.config.get("likelihood") == "bernoulli":
            check_unit_interval(dataset, "scale them as those it was trained on")
        return dataset, run.dataset
    if given.split == "train":
        return run.dataset, None
    return run.test, run.dataset


def plot_page(evaluation, text):
    """The scores on one page; the extreme examples too if they are images."""
    from models.plotting.evaluation_page import extreme_rows, plot_evaluation

    dataset, terms = evaluation.dataset, evaluation.likelihood
    kl = evaluation.scores["kl_per_dimension"]
    classes, extremes = None, None
    if evaluation.classes is not None and dataset.labels is not None:
        classes = dataset.labels, evaluation.classes, dataset.label_names
    if dataset.is_image:
        rows = extreme_rows(terms.log_px)
        label = None if evaluation.label is None else evaluation.label[rows.ravel()]
        x_mean = evaluation.run.model.decode(evaluation.z_mean[rows.ravel()], label)
        x = dataset.x[rows.ravel()]
        extremes = [each.reshape(*rows.shape, *x.shape[1:]) for each in (x, x_mean)]
    return plot_evaluation(text, terms.log_px, terms.elbo, kl, classes, extremes)


def of_each_datum(evaluation):
    """The arrays, (n,)."""
    arrays = {**vars(evaluation.likelihood), "elbo": evaluation.likelihood.elbo}
    if evaluation.classes is not None:
        arrays["classes"] = evaluation.classes
    if evaluation.dataset.labels is not None:
        arrays["labels"] = evaluation.dataset.labels
    return arrays


if __name__ == "__main__":
    sys.exit(main())
