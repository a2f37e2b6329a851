"""--starts: trained from several seeds, the start is kept that the others confirm."""

import itertools

import numpy as np
import pytest

import models
from models.cli import starts
from models.evaluation.metrics import mean_agreement
from serket_bridge import GMM


def agree(a, b, k=3):
    """The largest share of equal classes over all ways to number those of b."""
    ways = itertools.permutations(range(k))
    return max(np.mean(a == np.array(way)[b]) for way in ways)


def test_mean_agreement_is_that_of_all_numberings():
    classes = list(np.random.default_rng(0).integers(3, size=(4, 30)))
    expected = [
        np.mean([agree(a, b) for j, b in enumerate(classes) if j != i])
        for i, a in enumerate(classes)
    ]
    np.testing.assert_allclose(mean_agreement(classes), expected)


def test_the_start_that_most_others_agree_with_is_best():
    truth = np.arange(40) % 4
    other = np.where(np.arange(40) < 10, 0, truth)
    rows = starts.compare([7, 8, 9], [other, truth, (truth + 1) % 4], [{}] * 3)
    assert [row["seed"] for row in rows] == [7, 8, 9]
    assert starts.best(rows) == 1
    *others, kept, last = starts.describe(rows).splitlines()
    assert kept.endswith("kept") and "kept" not in "".join([*others, last])


@pytest.fixture
def three(run, small, data, tmp_path):
    """The command with three starts, and the folder it writes to."""

    def train(*more):
        folder, arguments = tmp_path / "out", ["--data", data / "table.npz", *small]
        return run(*arguments, "--rounds", "2", "--out", folder, *more), folder

    return train


def test_the_kept_start_is_the_run_of_its_seed(three, run, read, small, data, tmp_path):
    result, folder = three("--starts", "3", "--seed", "5")
    assert result.code == 0, result.err
    rows = read.rows(folder / "starts.csv")
    assert [int(row["seed"]) for row in rows] == [5, 6, 7]
    best = max(rows, key=lambda row: float(row["agreement"]))["seed"]
    config = read.json(folder, "config.json")
    assert (config["seed"], config["best_seed"], config["starts"]) == (5, int(best), 3)
    assert result.out.count("\nstart ") == 3
    assert result.out.count("  kept\n") == 1
    alone = tmp_path / "alone"
    arguments = ["--data", data / "table.npz", *small, "--rounds", "2"]
    assert run(*arguments, "--seed", best, "--out", alone).code == 0
    for path in (folder, alone):
        assert read.json(path, "config.json")["n_components"] == 3
    kept, again = (
        models.load(path / "model.keras").get_weights() for path in (folder, alone)
    )
    for a, b in zip(kept, again, strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("latents.npz", "gmm.npz"):
        for key, array in read.arrays(alone, name).items():
            np.testing.assert_array_equal(read.arrays(folder, name)[key], array)


def interrupt_start(monkeypatch, number, round_=1):
    """Raises KeyboardInterrupt in a round of the mixture of this start."""
    learn, seen = GMM.learn, []

    def interrupted(self, progress):
        seen.append(self)
        if sum(1 for _ in itertools.groupby(map(id, seen))) == number:
            if seen.count(self) == round_:
                raise KeyboardInterrupt
        learn(self, progress)

    monkeypatch.setattr(GMM, "learn", interrupted)


def test_ctrl_c_in_a_later_start_keeps_the_best_of_those_before(
    three, read, monkeypatch
):
    interrupt_start(monkeypatch, 3)
    result, folder = three("--starts", "4")
    assert result.code == 130
    assert len(read.rows(folder / "starts.csv")) == 2
    assert len(read.rows(folder / "rounds.csv")) == 2
    assert read.json(folder, "config.json")["best_seed"] in (0, 1)


@pytest.mark.parametrize("number", [1, 2])
def test_ctrl_c_before_two_starts_have_ended_keeps_the_first(
    three, read, monkeypatch, number
):
    interrupt_start(monkeypatch, number, round_=2)
    result, folder = three("--starts", "3")
    assert result.code == 130
    assert not (folder / "starts.csv").exists()
    assert len(read.rows(folder / "rounds.csv")) == number
    assert "best_seed" not in read.json(folder, "config.json")


@pytest.mark.parametrize(
    "options, message",
    [
        ("--variant serket --starts 2", "--starts 2: .* two agree equally; give 3"),
        (
            "--variant vanilla --starts 3",
            "--starts 3 compares classes, .*; add --n-components",
        ),
        (
            "--variant vanilla --starts 3 --n-components 3 --checkpoint",
            "--starts 3 does not go with --checkpoint",
        ),
    ],
)
def test_starts_that_cannot_be_compared_are_refused(
    check, tmp_path, monkeypatch, options, message
):
    monkeypatch.chdir(tmp_path)
    check(options, message)
