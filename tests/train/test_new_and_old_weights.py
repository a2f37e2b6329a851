"""Steps, rows, optimisers, tags, and weights of an earlier run."""

import re

import numpy as np
import pytest

import models
from models.runs.saved_run import SavedRun


def test_steps_are_what_the_optimiser_makes_and_a_row_is_log_every(read, light):
    result = light("--variant", "vanilla", "--steps", "6", "--log-every", "2")
    assert result.code == 0 and "1 x 6 steps of batches of 60" in result.out
    assert len(read.rows(result.folder / "history.csv")) == 3
    model = models.load(result.folder / "model.keras")
    assert int(model.optimizer.iterations) == 6


@pytest.fixture
def small():
    """As the other tests', but for `--epochs`."""
    words = "--batch-size 60 --hidden-dims 8 --latent-dim 3 --n-components 3"
    return words.split()


@pytest.mark.parametrize("name", ["adam", "adamw", "muon", "rmsprop", "sgd"])
def test_the_optimizer_is_the_one_that_was_asked_for(light, name):
    rate = ["--learning-rate", "0.003"]
    result = light("--variant", "vanilla", "--steps", "2", "--optimizer", name, *rate)
    optimizer = models.load(result.folder / "model.keras").optimizer
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == pytest.approx(0.003)


def test_a_range_is_these_rows(read, light, data):
    more = ["--epochs", "1", "--batch-size", "10"]
    result = light("--variant", "vanilla", "--range", "10,39", *more)
    assert result.code == 0 and "table: 30 rows" in result.out
    x, labels = (np.load(data / "table.npz")[name] for name in ("x", "y"))
    np.testing.assert_array_equal(read.arrays(result.folder)["labels"], labels[10:40])
    run = SavedRun(result.folder)
    np.testing.assert_allclose(run.dataset.x, x[10:40].astype("float32"))
    z_mean, _ = run.model.encode(x[10:40])
    np.testing.assert_allclose(read.arrays(run.path)["z_mean"], z_mean, rtol=1e-4)


def test_rows_that_are_not_there_are_refused(light):
    result = light("--range", "10,60", "--epochs", "1")
    assert result.code == 2
    assert "--rows 10,60: table has 60 rows, 0 to 59" in result.err


def test_a_tag_finds_the_run_again(light, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--variant", "vanilla", "--epochs", "1"]
    assert light(*words, "--tag", "mine", out=None).code == 0
    assert SavedRun("mine").config["tag"] == "mine"
    assert light(*words, "--tag", "mine", out=None).code == 2  # it holds files
    result = light(*words, "--tag", "mine")
    assert result.code == 2 and "--tag mine means the folder runs/mine" in result.err


def test_weights_of_a_run_or_file_are_where_training_begins(light, tmp_path):
    words = ["--variant", "vanilla", "--steps", "1"]
    first = light(*words, "--learning-rate", "0.1", out=tmp_path / "first")
    x = SavedRun(first.folder).dataset.x
    expected = SavedRun(first.folder).model.encode(x)
    for source in (first.folder, first.folder / "model.keras"):
        still = ["--learning-rate", "1e-12", "--weights", source, "--seed", "5"]
        second = light(*words, *still, "--overwrite", out=tmp_path / "second")
        assert second.code == 0
        for mine, its in zip(SavedRun(second.folder).model.encode(x), expected, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "weights, sentence",
    [
        ("first", "--weights .*first: its layers have other shapes"),
        ("nothing", "RUN .*nothing: there is no such run"),
        ("damaged.keras", "damaged.keras: no model could be loaded"),
    ],
)
def test_weights_that_do_not_fit_are_refused(light, tmp_path, weights, sentence):
    words = ["--variant", "vanilla", "--steps", "1"]
    light(*words, out=tmp_path / "first")
    (tmp_path / "damaged.keras").write_bytes(b"no zip")
    other = ["--hidden-dims", "9", "--weights", tmp_path / weights]
    result = light(*words, *other, out=tmp_path / "second")
    assert result.code == 2 and not (tmp_path / "second").exists()
    assert re.search(sentence, result.err)


@pytest.mark.parametrize("prior", [[], ["--learned-prior"]])
def test_a_conditional_model_learns_from_the_labels(light, prior):
    result = light("--variant", "conditional", "--epochs", "2", *prior)
    assert result.code == 0
    model = SavedRun(result.folder).model
    assert model.is_conditional
    _, drawn = model.sample(6, [0, 1, 2, 0, 1, 2], seed=0)
    assert drawn.shape == (6, 6)
    assert any(layer.name == "prior" for layer in model.layers) == bool(prior)


def test_without_labels_a_conditional_model_is_refused(light):
    result = light("--variant", "conditional", "--epochs", "1", name="unlabelled.npy")
    assert result.code == 2 and "learns from labels" in result.err
