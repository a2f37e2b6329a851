"""models.evaluate: scores of a run on data that it has not seen."""

import json

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from models.blocks import ondisk_array
from models.data import load, loading
from models.runs.saved_run import Run


@pytest.fixture(scope="module")
def held_out(tmp_path_factory, data, call):
    """A run on three quarters of three blobs."""
    folder = tmp_path_factory.mktemp("held_out") / "run"
    options = "--hold-out .25 --rounds 2 --epochs 20 --latent-dim 2 --hidden-dims 8"
    options += " --batch-size 15 --n-components 3 --learning-rate .02"
    result = call(
        "train", "--data", data / "table.npz", *options.split(), "--out", folder
    )
    assert result.code == 0, result.err
    return folder


def evaluated(call, run, out, *options):
    result = call("evaluate", run, "--n-samples", 50, *options, "--out", out)
    assert result.code == 0, result.err
    return json.loads((out / "evaluation.json").read_text()), result.out


def test_held_out_rows_are_scored_and_were_never_trained_on(
    held_out, data, call, tmp_path
):
    scores, text = evaluated(call, held_out, tmp_path / "out")
    run = Run(held_out)
    whole = np.load(data / "table.npz")["x"].astype("float32")
    train, test = run.dataset.x, run.test.x
    assert (len(train), len(test), scores["rows"]) == (45, 15, 15)
    both = np.concatenate([train, test])
    np.testing.assert_array_equal(both[np.lexsort(both.T)], whole[np.lexsort(whole.T)])
    with np.load(held_out / "latents.npz") as latents:
        z_mean, _ = run.model.encode(train)
        np.testing.assert_allclose(latents["z_mean"], z_mean, atol=1e-5)
    assert scores["log_px"] > scores["elbo"]
    assert scores["elbo"] == pytest.approx(scores["log_likelihood"] - scores["kl"])
    for word in ("15 rows", "the mixture of classes", f"{scores['log_px']:.2f}"):
        assert word in text


def test_the_files_hold_what_the_screen_shows(held_out, call, tmp_path):
    scores, _ = evaluated(call, held_out, tmp_path / "out")
    run = Run(held_out)
    with np.load(tmp_path / "out" / "data.npz") as arrays:
        assert arrays["log_px"].mean() == pytest.approx(scores["log_px"])
        assert arrays["elbo"].mean() == pytest.approx(scores["elbo"])
        classes = run.round().mixture.classes(run.model.encode(run.test.x)[0])
        np.testing.assert_array_equal(arrays["classes"], classes)
        ari = adjusted_rand_score(arrays["labels"], arrays["classes"])
        assert scores["classes"]["ari"] == pytest.approx(ari)
    assert (tmp_path / "out" / "evaluation.png").stat().st_size > 10_000
    assert set(scores["labels_from_latents"]) == {"linear", "k_nn"}


def test_the_same_seed_gives_the_same_numbers(held_out, call, tmp_path):
    one, two, other = (
        evaluated(call, held_out, tmp_path / str(i), "--seed", seed)[0]
        for i, seed in enumerate((3, 3, 4))
    )
    assert one == two
    assert one["log_px"] != other["log_px"]


def test_training_data_are_scored_when_asked_for(run_of, data, call, tmp_path):
    """The ELBO is what `evaluate` of the model gives, draws apart."""
    scores, text = evaluated(
        call, run_of("digits"), tmp_path / "out", "--split", "train"
    )
    assert "200 rows" in text and "the model's own" in text
    run = Run(run_of("digits"))
    x = np.repeat(run.dataset.x, 20, axis=0)
    terms = run.model.evaluate(x, batch_size=4000, verbose=0, return_dict=True)
    assert scores["kl"] == pytest.approx(terms["kl"], rel=1e-4)
    assert scores["log_likelihood"] == pytest.approx(terms["log_likelihood"], rel=0.01)
    assert sum(scores["kl_per_dimension"]) == pytest.approx(scores["kl"], rel=1e-4)


def test_without_data_held_out_it_says_what_to_do(run_of, call, tmp_path):
    result = call("evaluate", run_of("digits"), "--out", tmp_path / "out")
    assert result.code == 2
    assert "--split train" in result.err and "--test-fraction" in result.err
    assert not (tmp_path / "out").exists()


def test_other_data(run_of, data, call, tmp_path):
    """Labels of a conditional model are known by name, and its classes need none."""
    options = "--data", data / "digits.npz"
    scores, _ = evaluated(call, run_of("conditional"), tmp_path / "out", *options)
    assert scores["rows"] == 200 and scores["labels_from_latents"]["linear"] > 0
    result = call("evaluate", run_of("digits"), "--data", data / "table.npz")
    assert result.code == 2 and "(8, 8)" in result.err


def test_data_on_disk_have_the_scores_of_those_in_memory(
    run_of, data, call, tmp_path, monkeypatch
):
    """Read 7 rows at a time; a file of more than `LIMIT` bytes is."""
    np.save(tmp_path / "x.npy", np.load(data / "digits.npz")["x"])
    options = "--data", tmp_path / "x.npy"
    run = run_of("digits")
    expected, _ = evaluated(call, run, tmp_path / "in_memory", *options)
    monkeypatch.setattr(loading, "LIMIT", 0)
    monkeypatch.setattr(ondisk_array, "MAX_ROWS", 7)
    scores, _ = evaluated(call, run, tmp_path / "on_disk", *options)
    assert scores.keys() == expected.keys() and scores["rows"] == 200
    for name in ("log_px", "elbo", "kl", "rmse", "mutual_information"):
        assert scores[name] == pytest.approx(expected[name], rel=1e-5)


def test_vectors_and_no_labels(run_of, data, call, tmp_path):
    np.save(tmp_path / "x.npy", np.load(data / "colour.npz")["x"][:20])
    options = "--data", tmp_path / "x.npy"
    scores, text = evaluated(call, run_of("colour"), tmp_path / "out", *options)
    assert scores["labels_from_latents"] is None
    assert set(scores["classes"]) == {"silhouette"}
    assert "labels by" not in text


def test_data_that_a_bernoulli_cannot_have_are_refused(run_of, data, call, tmp_path):
    """Their log p(x) would be a number all the same, and a high one."""
    np.save(tmp_path / "x.npy", 16 * np.load(data / "digits.npz")["x"].astype("f4"))
    result = call("evaluate", run_of("digits"), "--data", tmp_path / "x.npy")
    assert result.code == 2 and "values must lie in [0, 1]" in result.err
    assert "Received: 0 to 16" in result.err


@pytest.mark.parametrize(
    "options, words",
    [
        (["--n-samples", "0"], "an integer >= 1"),
        (["--split", "validation"], "invalid choice"),
        (["--labels", "y"], "--labels y"),
        (["--data", "nowhere.npz"], "nothing of that name"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_nothing(
    held_out, call, tmp_path, options, words
):
    result = call("evaluate", held_out, *options, "--out", tmp_path / "out")
    assert result.code == 2 and words in result.err and "Traceback" not in result.err
    assert not (tmp_path / "out").exists()


def test_mnists_own_test_images(mnist_path, tmp_path, call):
    """The 10000 set apart, none of which a run has seen."""
    options = f"--variant bernoulli --data mnist:{mnist_path} --range 0,299 --epochs 1"
    options += " --latent-dim 2 --hidden-dims 8 --batch-size 100 --n-components 3"
    assert call("train", *options.split(), "--out", tmp_path / "run").code == 0
    with np.load(mnist_path) as arrays:
        x = Run(tmp_path / "run").test.x
        np.testing.assert_array_equal(np.round(255 * x), arrays["x_test"])


def test_a_fraction_to_hold_out_that_leaves_nothing_is_refused(data, call, tmp_path):
    given = "--data", data / "table.npz", "--out", tmp_path / "run"
    for fraction, words in (("1.5", "between 0 and 1"), ("0.001", "--test-fraction 0.001")):
        result = call("train", *given, "--hold-out", fraction)
        assert result.code == 2 and words in result.err
    assert not (tmp_path / "run").exists()


def test_pixels_are_drawn_and_scored_as_0_and_1(call, tmp_path):
    """log p(x) of a run that binarizes is about binarized data."""
    given = (
        "--binarize --variant iwae --likelihood bernoulli --epochs 1 --hidden-dims 8"
    )
    x = np.random.default_rng(0).random((60, 6))
    np.save(tmp_path / "grey.npy", x)
    given += f" --data {tmp_path}/grey.npy --batch-size 30 --n-components 2"
    assert call("train", *given.split(), "--out", tmp_path / "run").code == 0
    options = "--split train --n-samples 20 --seed 4".split()
    assert (
        call("evaluate", tmp_path / "run", *options, "--out", tmp_path / "e").code == 0
    )
    scores = json.loads((tmp_path / "e" / "evaluation.json").read_text())
    model = Run(tmp_path / "run").model
    drawn = load(tmp_path / "grey.npy").binarized(4).x
    assert set(np.unique(drawn)) == {0, 1}
    p = model.reconstruct(drawn)
    assert scores["rmse"] == pytest.approx(np.sqrt(np.mean((drawn - p) ** 2)), rel=1e-5)
