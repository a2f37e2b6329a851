"""Training, encoding and evaluation of rows on disk, and their order."""

import keras
import numpy as np
import pytest

from models.blocks.ondisk_array import (
    ArrayRows,
    Binarized,
    FileRows,
    View,
    from_memmap,
    slices,
)
from models.training.batching import sequential_batches
from models.training.streaming import BlockStream, tensorflow_batches


@pytest.fixture
def save(tmp_path):
    """A function that saves an array and returns its memory map."""

    def save(array, name="x.npy"):
        np.save(tmp_path / name, array)
        return np.load(tmp_path / name, mmap_mode="r")

    return save


def order(arrays, batch_size=4, seed=0, steps=0, window=1):
    """With a window of `window` bytes: eight blocks of one batch at the least."""
    return BlockStream(arrays, batch_size, seed, steps, window)


def numbers(batches):
    return [batch[0]["x"][:, 0].astype(int).tolist() for batch in batches]


# --- Rows -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "int16", ">f4"])
def test_rows_are_those_of_the_file(save, rng, kind):
    x = rng.integers(200, size=(20, 3, 2)).astype(kind)
    rows = from_memmap(save(x))
    assert isinstance(rows, FileRows) and rows.shape == (20, 3, 2) and rows.ndim == 3
    assert rows[:].dtype == np.float32 and rows[:].flags.writeable
    for part in (slice(None), slice(3, 9), slice(-4, None), slice(30, 40)):
        np.testing.assert_array_equal(rows[part], x[part])
    for part in (slice(0, 20, 7), [5, 1, 1], np.arange(20) % 2 == 0, 3, -1):
        np.testing.assert_array_equal(rows[part], x[part])
    np.testing.assert_array_equal(View(View(rows, 4, 12), 1, 5)[:], x[5:9])
    np.testing.assert_array_equal(np.asarray(rows), x)
    assert rows.extremes == (x.min(), x.max())


def test_rows_are_divided_by_the_scale(save, rng):
    x = rng.integers(256, size=(20, 3)).astype("uint8")
    rows = from_memmap(save(x), scale=255)
    np.testing.assert_array_equal(rows[:], x.astype("float32") / np.float32(255))
    np.testing.assert_array_equal(View(rows, 2, 5)[:], rows[2:5])
    np.testing.assert_array_equal(rows.read_raw(2, 5), x[2:5])


def test_rows_drawn_as_0_and_1_are_the_same_however_they_are_read(save, rng):
    x = np.tile(np.linspace(0, 1, 5, dtype="float32"), (700, 1))
    drawn = Binarized(from_memmap(save(x)), seed=3)
    whole = drawn[:]
    assert set(np.unique(whole)) == {0, 1} and whole.dtype == np.float32
    np.testing.assert_allclose(whole.mean(axis=0), x[0], atol=0.06)
    for part in (slice(250, 260), slice(512, 700), slice(10, 10), [699, 0, 300]):
        np.testing.assert_array_equal(drawn[part], whole[part])
    np.testing.assert_array_equal(View(drawn, 300, 600)[:], whole[300:600])
    assert (Binarized(from_memmap(save(x)), seed=4)[:] != whole).any()


def test_parts_of_a_map_and_other_orders_are_read_rightly(save, rng):
    x = rng.normal(size=(20, 3)).astype("float32")
    for view in (save(x)[5:], save(x)[:, 1:], save(np.asfortranarray(x))):
        rows = from_memmap(view)
        assert isinstance(rows, ArrayRows)
        np.testing.assert_array_equal(rows[2:7], np.array(view)[2:7])


def test_slices_are_all_rows_in_small_parts(save):
    rows = from_memmap(save(np.arange(30, dtype="float32").reshape(10, 3)))
    parts = [rows[part] for part in slices(rows, size=3 * 12)]
    assert [len(part) for part in parts] == [3, 3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(parts), rows[:])


# --- The order ------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 7, 64, 101])
def test_a_pass_has_every_row_once_in_shuffled_order(save, n):
    x = {"x": from_memmap(save(np.arange(n, dtype="float32")[:, None]))}
    one, two = (numbers(order((x,), seed=s).batches(1)) for s in (0, 1))
    assert sorted(sum(one, [])) == list(range(n))
    assert len(one) == -(-n // 4) and sorted(map(len, one))[1:] == [4] * (len(one) - 1)
    if n > 60:
        assert one != two and one != numbers(order((x,), seed=None).batches(1))


def test_passes_differ(save):
    x = {"x": from_memmap(save(np.arange(40, dtype="float32")[:, None]))}
    both = numbers(order((x,)).batches(2))
    assert len(both) == 20
    assert sorted(sum(both[:10], [])) == sorted(sum(both[10:], [])) == list(range(40))
    assert both[:10] != both[10:]


@pytest.mark.parametrize("steps", [1, 8, 25, 26, 27, 60])
def test_the_order_follows_from_the_steps_trained(save, steps):
    """A run killed after `steps` steps continues with the batches that follow."""
    x = {"x": from_memmap(save(np.arange(103, dtype="float32")[:, None]))}
    whole = numbers(order((x,)).batches(4))
    passes = 4 - steps // 26
    assert numbers(order((x,), steps=steps).batches(passes)) == whole[steps:]


def test_blocks_are_read_whole(save):
    x = from_memmap(save(np.arange(400, dtype="float32")[:, None]))
    plan = order((x,), window=8 * 5 * 16)  # five batches of four rows a block
    assert plan.block == 20
    blocks = [first for firsts, _ in plan.plan_pass(0) for first in firsts]
    assert sorted(blocks) == list(range(0, 400, 20))
    batches = [batch[0][:, 0].astype(int) for batch in plan.batches(1)]
    assert len({row // 20 for row in batches[0]}) > 1  # a window mixes its blocks


def test_without_a_seed_the_order_is_that_on_disk(save):
    x = {"x": from_memmap(save(np.arange(10, dtype="float32")[:, None]))}
    expected = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert numbers(order((x,), seed=None).batches(1)) == expected
    with sequential_batches((x,), 4) as again:
        for _ in range(2):  # an evaluation each epoch
            batches = [keras.tree.map_structure(np.asarray, batch) for batch in again]
            assert numbers(batches) == expected


def test_tensorflow_receives_the_same_batches(save, rng):
    x = from_memmap(save(rng.integers(256, size=(101, 3)).astype("uint8")), scale=255)
    arrays = ({"x": x, "prior_mean": rng.normal(size=(101, 2)).astype("float32")},)
    batches = zip(
        order(arrays).batches(2), tensorflow_batches(order(arrays), 2), strict=True
    )
    for (one,), (two,) in batches:
        assert one.keys() == two.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


# --- The model ------------------------------------------------------------------------


def on_disk(inputs, save):
    return inputs | {"x": save(inputs["x"])}


@pytest.mark.parametrize("name", ["vanilla", "conditional", "serket"])
def test_results_are_those_of_arrays_in_memory(make, name, inputs_of, save):
    """Without shuffling the steps are the same, so the weights are too."""
    results = []
    for where in (lambda inputs: inputs, lambda inputs: on_disk(inputs, save)):
        model = make(name)
        inputs = where(inputs_of(model))
        label = inputs.get("label")
        history = model.fit(inputs, epochs=2, batch_size=32, shuffle=False, verbose=0)
        scores = model.evaluate(inputs, batch_size=32, verbose=0)
        q = model.encode(inputs["x"], label)
        x_mean = model.reconstruct(inputs["x"], label)
        results.append([history.history["loss"], scores, *q, x_mean])
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)


def test_shuffled_training_is_reproducible_and_resumes_from_a_saved_model(
    make, save, data, tmp_path
):
    x = save(data)
    whole, killed = make("vanilla"), make("vanilla")
    for model, epochs in ((whole, 2), (killed, 1)):
        model.fit(x, epochs=epochs, batch_size=16, verbose=0)
    killed.fit(x, epochs=1, steps_per_epoch=2, batch_size=16, verbose=0)
    killed.save(tmp_path / "model.keras")
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    resumed.fit(x, epochs=1, steps_per_epoch=3, batch_size=16, verbose=0)
    for one, two in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_weights_and_validation_data_on_disk(make, save, data):
    x, weight = save(data), np.arange(len(data)) % 2
    settings = {"sample_weight": weight, "shuffle": False, "epochs": 2, "verbose": 0}
    arrays, rows = (
        make("vanilla").fit({"x": x}, validation_data=({"x": x},), **settings).history
        for x in (data, x)
    )
    assert "val_loss" in arrays
    for name, values in arrays.items():
        np.testing.assert_allclose(rows[name], values, rtol=1e-5)


def test_a_validation_split_is_refused(make, save, data):
    with pytest.raises(ValueError, match="validation_split must be 0 for data on disk"):
        make("vanilla").fit(save(data), validation_split=0.5)


def test_a_wrong_shape_is_refused(make, save):
    with pytest.raises(ValueError, match="x must have the shape"):
        make("vanilla").fit(save(np.zeros((5, 3), "float32")))


def test_a_file_may_have_no_rows(save):
    assert from_memmap(save(np.zeros((0, 3), "float32")))[:].shape == (0, 3)
