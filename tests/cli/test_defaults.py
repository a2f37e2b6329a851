"""The defaults of a user's data: sizes, steps, and the number of classes."""

import numpy as np
import pytest

from models import data
from models.cli import defaults, options, report
from models.cli.resolve import resolve
from models.evaluation.latent_statistics import latent_information
from models.runs.rounds import Round

# n_rows, n_columns, n_classes -> batch_size, epochs, latent_dim, hidden_dims
RULE = [
    ((150, 4, 3), (128, 1500, 4, ())),  # no more latents than columns
    ((178, 13, 3), (128, 1500, 13, ())),
    ((50, 30, 2), (50, 3000, 6, ())),  # four rows of a class for each latent
    ((40, 9, 12), (40, 3000, 2, ())),
    ((90, 1, 3), (90, 3000, 1, ())),
    ((60_000, 64, 10), (128, 10, 20, (256,))),  # no more than 20 latents
    # 2 x 256 x 10 + 3 x 256 x 2 = 6656 weights
    ((665, 10, 100), (128, 500, 2, ())),
    ((666, 10, 100), (128, 500, 2, (256,))),
]


@pytest.mark.parametrize("size, expected", RULE)
def test_the_sizes_of_a_table(size, expected):
    *shape, n_classes = size
    found = defaults.for_custom(tuple(shape), n_classes, 128)
    keys = "batch_size", "epochs", "latent_dim", "hidden_dims"
    assert tuple(found[key] for key in keys) == expected
    assert found["gmm_inference"] == "graph"


@pytest.mark.parametrize("batch_size, epochs", [(10, 200), (150, 3000), (1, 20)])
def test_the_epochs_follow_from_the_batch_size(batch_size, epochs):
    found = defaults.for_custom((150, 4), 3, batch_size)
    assert (found["batch_size"], found["epochs"]) == (batch_size, epochs)


def test_images_keep_the_sizes_of_the_options():
    found = defaults.for_custom((1000, 8, 8), None, 128)
    assert found == {"batch_size": 128, "epochs": 375}


@pytest.fixture
def blobs(tmp_path, rng):
    """A table of three groups, and their labels in a column."""
    labels = np.arange(90) % 3
    x = 8 * np.eye(3, 5)[labels] + rng.normal(size=(90, 5))
    path = tmp_path / "blobs.csv"
    rows = np.column_stack([x, labels])
    np.savetxt(path, rows, delimiter=",", header="a,b,c,d,e,label", comments="")
    return path


def resolved(path, *words, labels=None):
    """What is resolved for a file, and the line of the command about the model."""
    dataset = data.load(str(path), labels=labels).fit_preprocessing()
    given = options.parse(["--data", str(path), *words])
    dataset, config, model = resolve(given, dataset)
    heading = report.heading(config, dataset, model).splitlines()
    return config, next(line for line in heading if "KL weight" in line)


@pytest.mark.parametrize(
    "words, labels, sentence",
    [
        ((), "label", "3 classes (as many as labels) by graph"),
        ((), "none", "3 classes (best for held-out rows) by graph"),
        (("--n-components", "5"), "label", "5 classes by graph"),
        (("--gmm-inference", "em"), "label", "3 classes (as many as labels) by em"),
    ],
)
def test_what_chose_the_number_of_classes_is_said(blobs, words, labels, sentence):
    _, line = resolved(blobs, *words, labels=labels)
    assert f", {sentence}, seed 0" in line


def test_the_model_is_the_same_whether_labels_or_rows_gave_the_number(blobs):
    sizes = "latent_dim", "hidden_dims", "epochs", "batch_size", "n_components"
    with_labels, _ = resolved(blobs, labels="label")
    without, _ = resolved(blobs, labels="none")
    assert {k: without[k] for k in sizes[2:]} == {k: with_labels[k] for k in sizes[2:]}
    given, _ = resolved(blobs, "--n-components", "3", labels="none")
    assert {key: without[key] for key in sizes} == {key: given[key] for key in sizes}


def test_without_a_mixture_nothing_is_said_of_classes(blobs):
    for labels in ("label", "none"):
        config, line = resolved(blobs, "--variant", "vanilla", labels=labels)
        assert config["n_components"] is None and "classes" not in line
        assert "n_components_source" not in config


@pytest.mark.parametrize("n_rows", [2, 7, 20])
def test_few_rows_and_equal_rows_are_one_class(tmp_path, n_rows):
    np.save(tmp_path / "x.npy", np.ones((n_rows, 3)))
    config, _ = resolved(tmp_path / "x.npy")
    assert (config["n_components"], config["batch_size"]) == (1, n_rows)


def test_a_batch_size_that_was_given_is_not_clipped(blobs):
    with pytest.raises(ValueError, match="--batch-size 91: blobs has only 90 rows"):
        resolved(blobs, "--batch-size", "91")


# --- Collapse -------------------------------------------------------------------------


@pytest.mark.parametrize("kl, is_said", [(0.2, True), (1.0, False), (7.0, False)])
def test_the_warning_depends_on_the_last_kl(kl, is_said):
    lines = report.collapse_warning({"kl": [5.0, kl]}, [])
    assert bool(lines) is is_said
    assert not lines or "The latents hold 0.2 nats" in lines[0]


def test_without_a_kl_there_is_no_warning():
    assert report.collapse_warning({}, []) == []


@pytest.mark.parametrize("distance, is_said", [(0.1, True), (20.0, False)])
def test_latents_that_differ_by_class_only_have_not_collapsed(distance, is_said):
    """q(z|x) is the prior of the class, so that the KL is 0."""
    z_mean = distance * np.eye(3)[np.arange(90) % 3]
    last = Round(z=z_mean, model=[], z_mean=z_mean, z_log_var=np.zeros((90, 3)))
    assert bool(report.collapse_warning({"kl": [0.0]}, [last])) is is_said


def test_the_information_of_one_gaussian(rng):
    """The mutual information of x ~ N(0, S) and z = x + N(0, V), which is known."""
    x = rng.multivariate_normal([0, 0], [[2.0, 0.6], [0.6, 1.0]], 200_000)
    found = latent_information(x, np.log([[0.5, 0.1]] * len(x)))
    joint = np.array([[2.5, 0.6], [0.6, 1.1]])
    expected = 0.5 * np.log(np.linalg.det(joint) / 0.05)
    assert found == pytest.approx(expected, abs=0.01)
    assert latent_information(x[:, :1], np.log(np.full((len(x), 1), 0.5))) > 0


@pytest.mark.parametrize(
    "words, augment, inference",
    [
        ("--variant serket", True, "graph-classes"),
        ("--variant serket --no-augment", False, "graph-classes"),
        ("--variant serket --gmm-inference em", True, "em"),
        ("--variant vanilla", False, None),
        ("--variant vanilla --n-components 4", False, "em"),
    ],
)
def test_images_are_augmented_for_a_mixture_that_sends(words, augment, inference):
    dataset = data.load("digits").fit_preprocessing()
    _, config, _ = resolve(options.parse(words.split()), dataset)
    assert config["augment"] is augment
    assert config["gmm_inference"] == inference
