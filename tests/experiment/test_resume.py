"""Training that is broken off at any step, and ends as if it had not been."""

import keras
import numpy as np
import pytest

import models
from models.experiment.resume import fit, read_history, rest


@pytest.fixture
def x(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((50, 6), np.float32))
    return np.load(tmp_path / "x.npy", mmap_mode="r")


def make():
    model = models.vanilla.build((6,), latent_dim=2, hidden_dims=(8,), seed=0)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    return model


class Killed(BaseException):
    pass


class Kill(keras.callbacks.Callback):
    """Breaks off after so many steps, as nothing in between could catch it."""

    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left < 0:
            raise Killed


def run(x, folder, seconds=0, callbacks=()):
    return fit(make(), x, folder, 3, 8, seconds=seconds, callbacks=callbacks, verbose=0)


@pytest.mark.parametrize("steps", [[0], [3, 1], [6], [14]])
def test_broken_off_it_ends_as_if_it_had_not_been(x, tmp_path, steps):
    whole = run(x, tmp_path / "whole", seconds=1000)
    for count in steps:  # seven steps an epoch
        with pytest.raises(Killed):
            run(x, tmp_path / "killed", callbacks=[Kill(count)])
    resumed = run(x, tmp_path / "killed")
    assert resumed.steps_trained() == 21
    for one, two in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(np.array(one), np.array(two))
    rows = [
        read_history(tmp_path / name / "history.csv") for name in ("whole", "killed")
    ]
    assert [row["epoch"] for row in rows[1]] == [1, 2, 3]
    cut = {sum(steps[: i + 1]) // 7 + 1 for i in range(len(steps))}
    for one, two in zip(*rows, strict=True):
        if one["epoch"] not in cut:
            assert one == two


def test_what_was_not_saved_yet_is_done_again(x, tmp_path):
    whole = run(x, tmp_path / "whole")
    with pytest.raises(Killed):
        run(x, tmp_path / "killed", seconds=1000, callbacks=[Kill(12)])
    assert not (tmp_path / "killed" / "model.keras").exists()
    resumed = run(x, tmp_path / "killed")
    for one, two in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(np.array(one), np.array(two))


def test_what_is_finished_is_left_as_it_is(x, tmp_path):
    run(x, tmp_path / "run")
    before = (tmp_path / "run" / "model.keras").read_bytes()
    assert run(x, tmp_path / "run").steps_trained() == 21
    assert (tmp_path / "run" / "model.keras").read_bytes() == before


def test_other_settings_are_refused(x, tmp_path):
    run(x, tmp_path / "run")
    with pytest.raises(ValueError, match="batch_size must be 8, .* Received: 16"):
        fit(make(), x, tmp_path / "run", 3, 16)
    with pytest.raises(ValueError, match="rows must be 50, .* Received: 40"):
        fit(make(), x[:40], tmp_path / "run", 3, 8)


def test_a_damaged_model_is_refused(x, tmp_path):
    run(x, tmp_path / "run")
    path = tmp_path / "run" / "model.keras"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no model could be loaded"):
        run(x, tmp_path / "run")


@pytest.mark.parametrize(
    "done, expected",
    [
        (0, [(0, 3, 7)]),
        (7, [(1, 3, 7)]),
        (9, [(1, 2, 5), (2, 3, 7)]),
        (20, [(2, 3, 1)]),
        (21, []),
        (25, []),
    ],
)
def test_what_is_still_to_do(done, expected):
    assert rest(done, 7, 3) == expected
