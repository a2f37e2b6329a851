"""Steps, rows, optimisers, names of runs, and weights of an earlier run."""

import re

import numpy as np
import pytest

import models
from models.runs.saved_run import SavedRun


def test_the_optimiser_makes_steps_and_a_row_has_steps_per_epoch(read, light):
    result = light("--variant", "vanilla", "--steps", "6", "--steps-per-epoch", "2")
    assert result.code == 0 and "1 x 6 steps of batches of 60" in result.out
    assert len(read.rows(result.folder / "history.csv")) == 3
    model = models.load(result.folder / "model.keras")
    assert int(model.optimizer.iterations) == 6


@pytest.fixture
def small():
    """As in other tests, without `--epochs`."""
    words = "--batch-size 60 --hidden-dims 8 --latent-dim 3 --n-components 3"
    return words.split()


@pytest.mark.parametrize("name", ["adam", "adamw", "muon", "rmsprop", "sgd"])
def test_the_optimizer_is_the_chosen_one(light, name):
    rate = ["--learning-rate", "0.003"]
    result = light("--variant", "vanilla", "--steps", "2", "--optimizer", name, *rate)
    optimizer = models.load(result.folder / "model.keras").optimizer
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == pytest.approx(0.003)


def test_rows_selects_rows(read, light, data):
    more = ["--epochs", "1", "--batch-size", "10"]
    result = light("--variant", "vanilla", "--rows", "10,39", *more)
    assert result.code == 0 and "table: 30 rows" in result.out
    x, labels = (np.load(data / "table.npz")[name] for name in ("x", "y"))
    np.testing.assert_array_equal(read.arrays(result.folder)["labels"], labels[10:40])
    run = SavedRun(result.folder)
    rows = x[10:40]  # standardised by their own mean and standard deviation
    expected = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    np.testing.assert_allclose(run.dataset.x, expected, atol=1e-5)
    z_mean, _ = run.model.encode(run.dataset.x)
    np.testing.assert_allclose(read.arrays(run.path)["z_mean"], z_mean, rtol=1e-4)


def test_rows_that_are_not_there_are_refused(light):
    result = light("--rows", "10,60", "--epochs", "1")
    assert result.code == 2
    assert "--rows 10,60: table has 60 rows, 0 to 59" in result.err


def test_a_name_finds_the_run_again(light, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--variant", "vanilla", "--epochs", "1"]
    assert light(*words, "--name", "mine", out=None).code == 0
    assert SavedRun("mine").config["name"] == "mine"
    assert light(*words, "--name", "mine", out=None).code == 2  # it holds files
    result = light(*words, "--name", "mine")
    assert result.code == 2 and "--name mine is the folder runs/mine" in result.err


def test_weights_of_a_run_or_file_are_where_training_begins(light, tmp_path):
    words = ["--variant", "vanilla", "--steps", "1"]
    first = light(*words, "--learning-rate", "0.1", out=tmp_path / "first")
    x = SavedRun(first.folder).dataset.x
    expected = SavedRun(first.folder).model.encode(x)
    for source in (first.folder, first.folder / "model.keras"):
        still = ["--learning-rate", "1e-12", "--init-weights", source, "--seed", "5"]
        second = light(*words, *still, "--overwrite", out=tmp_path / "second")
        assert second.code == 0
        encoded = SavedRun(second.folder).model.encode(x)
        np.testing.assert_allclose(encoded, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "weights, sentence",
    [
        ("first", "--init-weights .*first: its layers have other shapes"),
        ("nothing", "RUN .*nothing: there is no such run"),
        ("damaged.keras", "damaged.keras: no model could be loaded"),
    ],
)
def test_weights_that_do_not_fit_are_refused(light, tmp_path, weights, sentence):
    words = ["--variant", "vanilla", "--steps", "1"]
    light(*words, out=tmp_path / "first")
    (tmp_path / "damaged.keras").write_bytes(b"no zip")
    other = ["--hidden-dims", "9", "--init-weights", tmp_path / weights]
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
    assert (type(model.prior).__name__ == "LabelGaussian") == bool(prior)


def test_without_labels_a_conditional_model_is_refused(light):
    result = light("--variant", "conditional", "--epochs", "1", name="unlabelled.npy")
    assert result.code == 2 and "learns from labels" in result.err


def test_a_run_of_the_configuration_of_a_run_is_the_same_run(
    light, run, read, tmp_path
):
    first = light("--kl-weight", "linear:3", "--seed", "4", out=tmp_path / "first")
    assert first.code == 0, first.err
    again = tmp_path / "again"
    result = run("--config", first.folder / "config.json", "--out", again)
    assert result.code == 0, result.err
    configs = [read.json(folder, "config.json") for folder in (first.folder, again)]
    assert configs[0] == configs[1] and "keras" in configs[0]["versions"]
    for name in ("latents.npz", "gmm.npz"):
        arrays = read.arrays(again, name)
        for key, array in read.arrays(first.folder, name).items():
            np.testing.assert_array_equal(arrays[key], array)
