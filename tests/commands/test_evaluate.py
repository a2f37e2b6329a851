"""python -m models.evaluate: scores of a run on data that it was not trained on."""

import json

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from models.blocks import ondisk_array
from models.data import load, loading
from models.runs.saved_run import SavedRun


@pytest.fixture(scope="module")
def run_with_test_rows(tmp_path_factory, data, call):
    """A run on three quarters of three blobs."""
    folder = tmp_path_factory.mktemp("test_rows") / "run"
    options = "--test-fraction .25 --rounds 2 --epochs 20 --latent-dim 2"
    options += " --hidden-dims 8 --batch-size 15 --n-components 3 --learning-rate .02"
    source = "--data", data / "table.npz"
    result = call("train", *source, *options.split(), "--out", folder)
    assert result.code == 0, result.err
    return folder


def evaluate(call, run, out, *options):
    result = call("evaluate", run, "--n-samples", 50, *options, "--out", out)
    assert result.code == 0, result.err
    return json.loads((out / "evaluation.json").read_text()), result.out


@pytest.fixture(scope="module")
def evaluated(run_with_test_rows, call, tmp_path_factory):
    """The scores of its test rows, what was printed, and the folder."""
    out = tmp_path_factory.mktemp("evaluated") / "out"
    return *evaluate(call, run_with_test_rows, out, "--seed", 3), out


@pytest.fixture(scope="module")
def evaluated_digits(run_of, call, tmp_path_factory):
    """The same of the training rows of the run "digits"."""
    out = tmp_path_factory.mktemp("digits") / "out"
    return evaluate(call, run_of("digits"), out, "--split", "train")


# --- Which data -----------------------------------------------------------------------


def test_test_rows_are_scored_and_were_never_trained_on(
    evaluated, run_with_test_rows, data
):
    scores, text, _ = evaluated
    run = SavedRun(run_with_test_rows)
    whole = np.load(data / "table.npz")["x"]
    train, test = run.dataset.x, run.test.x
    assert (len(train), len(test), scores["rows"]) == (45, 15, 15)
    stored = [part.values.raw(slice(None)) for part in (run.dataset, run.test)]
    both = np.concatenate(stored)
    np.testing.assert_array_equal(both[np.lexsort(both.T)], whole[np.lexsort(whole.T)])
    with np.load(run.path / "latents.npz") as latents:
        z_mean, _ = run.model.encode(train)
        np.testing.assert_allclose(latents["z_mean"], z_mean, atol=1e-5)
    assert scores["log_px"] > scores["elbo"]
    assert scores["elbo"] == pytest.approx(scores["log_likelihood"] - scores["kl"])
    for word in ("15 test rows", "p(z) is the mixture", f"{scores['log_px']:.2f}"):
        assert word in text


def test_training_rows_are_scored_on_request(evaluated_digits, run_of):
    """The ELBO is that of the model's own `evaluate`, up to the noise of sampling."""
    scores, text = evaluated_digits
    assert "200 training rows" in text and "the prior of the model" in text
    run = SavedRun(run_of("digits"))
    x = np.repeat(run.dataset.x, 20, axis=0)
    terms = run.model.evaluate(x, batch_size=4000, verbose=0, return_dict=True)
    assert scores["kl"] == pytest.approx(terms["kl"], rel=1e-4)
    assert scores["log_likelihood"] == pytest.approx(terms["log_likelihood"], rel=0.01)
    assert scores["objective"] == pytest.approx(-terms["loss"], rel=0.01)
    assert sum(scores["kl_per_dimension"]) == pytest.approx(scores["kl"], rel=1e-4)


def test_training_rows_are_scored_where_no_others_were_kept(run_of, call, tmp_path):
    scores, text = evaluate(call, run_of("digits"), tmp_path / "out")
    assert (scores["split"], scores["rows"]) == ("train", 200)
    assert "No test rows were kept" in text and "200 training rows" in text


def test_other_data_of_a_conditional_model(run_of, data, call, tmp_path):
    """Its labels are known by name."""
    options = "--data", data / "digits.npz"
    scores, _ = evaluate(call, run_of("conditional"), tmp_path / "out", *options)
    assert scores["rows"] == 200 and scores["probe_accuracy"]["linear"] > 0
    assert scores["log_px"] > scores["elbo"]


def test_data_on_disk_have_the_scores_of_those_in_memory(
    evaluated_digits, run_of, data, call, tmp_path, monkeypatch
):
    """Read 7 rows at a time; larger files than `LIMIT` bytes stay on disk."""
    expected, _ = evaluated_digits
    np.save(tmp_path / "x.npy", np.load(data / "digits.npz")["x"])
    monkeypatch.setattr(loading, "LIMIT", 0)
    monkeypatch.setattr(ondisk_array, "MAX_ROWS", 7)
    options = "--data", tmp_path / "x.npy"
    scores, _ = evaluate(call, run_of("digits"), tmp_path / "on_disk", *options)
    assert scores.keys() == expected.keys() and scores["rows"] == 200
    for name in ("log_px", "elbo", "kl", "rmse", "mutual_information"):
        assert scores[name] == pytest.approx(expected[name], rel=1e-5)
    # the noise of a row depends on its position in the batch
    assert scores["objective"] == pytest.approx(expected["objective"], abs=3)


def test_vectors_and_no_labels(run_of, data, call, tmp_path):
    np.save(tmp_path / "x.npy", np.load(data / "colour.npz")["x"][:20])
    options = "--data", tmp_path / "x.npy"
    scores, text = evaluate(call, run_of("colour"), tmp_path / "out", *options)
    assert scores["probe_accuracy"] is None
    assert set(scores["classes"]) == {"silhouette"}
    assert "labels from z" not in text


def test_the_test_images_of_mnist(mnist_path, tmp_path, call):
    """The 10000 set apart, none of which a run was trained on."""
    options = f"--variant bernoulli --data mnist:{mnist_path} --rows 0,299 --epochs 1"
    options += " --latent-dim 2 --hidden-dims 8 --batch-size 100"
    assert call("train", *options.split(), "--out", tmp_path / "run").code == 0
    with np.load(mnist_path) as arrays:
        x = SavedRun(tmp_path / "run").test.x
        np.testing.assert_array_equal(np.round(255 * x), arrays["x_test"])


# --- Scores ---------------------------------------------------------------------------


def test_the_files_hold_what_the_screen_shows(evaluated, run_with_test_rows):
    scores, _, out = evaluated
    run = SavedRun(run_with_test_rows)
    with np.load(out / "data.npz") as arrays:
        assert arrays["log_px"].mean() == pytest.approx(scores["log_px"])
        assert arrays["elbo"].mean() == pytest.approx(scores["elbo"])
        assert np.median(arrays["ess"]) == pytest.approx(scores["ess"]["median"])
        z_mean, _ = run.model.encode(run.test.x)
        classes = run.round().mixture.predict(z_mean)
        np.testing.assert_array_equal(arrays["classes"], classes)
        ari = adjusted_rand_score(arrays["labels"], arrays["classes"])
        assert scores["classes"]["ari"] == pytest.approx(ari)
    assert (out / "evaluation.png").stat().st_size > 10_000
    assert set(scores["probe_accuracy"]) == {"linear", "k_nn"}


def test_the_seed_decides_the_numbers(evaluated, run_with_test_rows, call, tmp_path):
    one, _, _ = evaluated
    same, other = (
        evaluate(call, run_with_test_rows, tmp_path / str(seed), "--seed", seed)[0]
        for seed in (3, 4)
    )
    assert one == same
    assert one["log_px"] != other["log_px"]


def test_an_objective_with_messages_has_a_dash(evaluated):
    """What was maximised depends on the messages of the training."""
    scores, text, _ = evaluated
    assert scores["objective"] is None
    (line,) = (line for line in text.splitlines() if "objective" in line)
    assert line.split() == ["objective", "-"]


def test_any_posterior_and_prior(run_of, call, tmp_path):
    """What only a Gaussian q(z|x) has is null, a dash on the screen."""
    options = "--split", "train"
    scores, text = evaluate(call, run_of("flow"), tmp_path / "out", *options)
    undefined = ("kl_per_dimension", "active_units", "mutual_information", "classes")
    assert [scores[name] for name in undefined] == [None] * 4
    assert "active units" in text and "nan" not in text.lower()
    assert scores["log_px"] > scores["elbo"]
    expected = scores["log_likelihood"] - 0.5 * scores["kl"]  # ELBO(kl_weight=0.5)
    assert scores["objective"] == pytest.approx(expected, abs=1.0)
    assert scores["probe_accuracy"]["linear"] > 0.2


def test_few_effective_samples_are_a_warning(run_of, call, tmp_path):
    options = "--split", "train", "--n-samples", 8
    scores, text = evaluate(call, run_of("flow"), tmp_path / "out", *options)
    assert scores["ess"]["share_below_10"] == 1.0
    assert scores["log_px_warning"] in " ".join(text.split())
    assert "warning: " in text and "use more --n-samples" in text


def test_pixels_are_drawn_and_scored_as_0_and_1(call, tmp_path):
    """log p(x) of a run that binarizes is about binarized data."""
    given = "--binarize --variant bernoulli --epochs 1 --hidden-dims 8"
    np.save(tmp_path / "grey.npy", np.random.default_rng(0).random((60, 6)))
    given += f" --data {tmp_path}/grey.npy --batch-size 30"
    assert call("train", *given.split(), "--out", tmp_path / "run").code == 0
    options = "--split train --seed 4".split()
    scores, _ = evaluate(call, tmp_path / "run", tmp_path / "e", *options)
    binary = load(tmp_path / "grey.npy", standardize=False).binarized(4).x
    assert set(np.unique(binary)) == {0, 1}
    p = SavedRun(tmp_path / "run").model.reconstruct(binary)
    error = np.sqrt(np.mean((binary - p) ** 2))
    assert scores["rmse"] == pytest.approx(error, rel=1e-5)


# --- What is refused ------------------------------------------------------------------


def test_the_test_rows_of_a_run_without_any(run_of, call, tmp_path):
    result = call(
        "evaluate", run_of("digits"), "--split", "test", "--out", tmp_path / "out"
    )
    assert result.code == 2
    assert "--split train" in result.err and "--test-fraction" in result.err
    assert not (tmp_path / "out").exists()


def test_data_that_a_bernoulli_cannot_have_are_refused(run_of, data, call, tmp_path):
    """Their log p(x) would be a number all the same, and a high one."""
    np.save(tmp_path / "x.npy", 16 * np.load(data / "digits.npz")["x"].astype("f4"))
    result = call("evaluate", run_of("digits"), "--data", tmp_path / "x.npy")
    assert result.code == 2 and "[0, 1]" in result.err and "0 to 16" in result.err


WRONG = [
    (["--n-samples", "0"], "an integer >= 1"),
    (["--split", "validation"], "invalid choice"),
    (["--labels", "y"], "--labels y"),
    (["--data", "nowhere.npz"], "nothing of that name"),
    (["--data", "digits"], "(8, 8)"),
]


@pytest.mark.parametrize("options, words", WRONG)
def test_what_is_wrong_is_one_sentence_and_leaves_nothing(
    run_with_test_rows, call, tmp_path, options, words
):
    out = tmp_path / "out"
    result = call("evaluate", run_with_test_rows, *options, "--out", out)
    assert result.code == 2 and words in result.err and "Traceback" not in result.err
    assert not out.exists()


def test_a_test_fraction_that_leaves_nothing_is_refused(data, call, tmp_path):
    given = "--data", data / "table.npz", "--out", tmp_path / "run"
    for value, words in (
        ("1.5", "between 0 and 1"),
        ("0.001", "--test-fraction 0.001"),
    ):
        result = call("train", *given, "--test-fraction", value)
        assert result.code == 2 and words in result.err
    assert not (tmp_path / "run").exists()
