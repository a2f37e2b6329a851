"""python -m models.encode and models.reconstruct."""

import csv

import numpy as np
import pytest

import models
from models import data as reading
from models.blocks import ondisk_array
from models.cli.run_commands import spread
from models.data import loading


@pytest.fixture
def opened(run_of):
    return lambda name: models.load(run_of(name) / "model.keras")


def columns_of(path):
    with open(path, newline="") as file:
        head, *rows = csv.reader(file)
    return dict(zip(head, zip(*rows, strict=True), strict=True))


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.fixture
def table(data):
    return np.load(data / "table.npz")


@pytest.fixture
def scaled(table):
    """Other rows as the run "serket" takes them."""
    x = table["x"]
    return lambda others: (others - x.mean(axis=0)) / x.std(axis=0)


def test_encode_gives_what_the_model_gives_and_the_labels(done, opened, table, scaled):
    result = done("encode", "serket")
    z_mean, z_log_var = opened("serket").encode(scaled(table["x"]))
    close(result.z_mean, z_mean)
    close(result.z_log_var, z_log_var)
    assert result.label_names[result.labels].tolist() == table["y"].tolist()
    assert result.left == {"latents.npz", "latent_pca.png"}


def test_latents_to_be_mapped(done, opened, table, scaled):
    result = done("encode", "serket", "--format", "npy")
    expected = {"z_mean.npy", "z_log_var.npy", "labels.npy", "latent_pca.png"}
    assert result.left == expected | {"classes.npy", "responsibilities.npy"}
    encoded = opened("serket").encode(scaled(table["x"]))
    for name, values in zip(("z_mean", "z_log_var"), encoded, strict=True):
        mapped = np.load(result.folder / f"{name}.npy", mmap_mode="r")
        assert mapped.dtype == np.float32
        close(mapped, values)
    assert len(np.load(result.folder / "labels.npy")) == len(table["x"])


def test_data_on_disk_are_encoded_in_chunks_to_npy_files(
    done, opened, table, scaled, tmp_path, monkeypatch
):
    monkeypatch.setattr(loading, "LIMIT", 100)
    monkeypatch.setattr(ondisk_array, "MAX_ROWS", 7)
    np.save(tmp_path / "x.npy", table["x"])
    result = done("encode", "serket", tmp_path / "x.npy")
    expected = {"z_mean.npy", "z_log_var.npy", "latent_pca.png"}
    assert result.left == expected | {"classes.npy", "responsibilities.npy"}
    z_mean, _ = opened("serket").encode(scaled(table["x"]))
    close(np.load(result.folder / "z_mean.npy"), z_mean)


def test_a_table_of_latents_has_one_column_per_dimension(done, opened, table, scaled):
    result = done("encode", "serket", "--format", "csv")
    assert result.left == {"latents.csv", "latent_pca.png"}
    columns = columns_of(result.folder / "latents.csv")
    heads = ["z_mean_1", "z_mean_2", "z_log_var_1", "z_log_var_2"]
    assert list(columns) == [*heads, "class", "class_probability", "label"]
    numbers = np.array([columns[name] for name in heads], float).T
    close(numbers, np.hstack(opened("serket").encode(scaled(table["x"]))))
    assert list(columns["label"]) == table["y"].tolist()


def test_the_table_can_be_read_as_data_again(done):
    path = done("encode", "serket", "--format", "csv").folder / "latents.csv"
    drop = "class", "class_probability"
    again = reading.load(path, "label", drop=drop)
    assert again.x.shape == (60, 4) and again.label_names == ("ant", "bee", "cat")


def test_other_data_with_labels_from_a_file(done, opened, scaled, rng, tmp_path):
    x = rng.normal(size=(7, 6))
    np.save(tmp_path / "other.npy", x)
    np.savetxt(tmp_path / "names.csv", np.arange(7) % 2, "%d")
    names = ["--labels", tmp_path / "names.csv"]
    result = done("encode", "serket", tmp_path / "other.npy", *names)
    close(result.z_mean, opened("serket").encode(scaled(x))[0])
    np.testing.assert_array_equal(result.labels, np.arange(7) % 2)
    result = done("encode", "serket", tmp_path / "other.npy", "--format", "csv")
    assert "label" not in columns_of(result.folder / "latents.csv")


@pytest.mark.parametrize("kind", ["npz", "csv", "npy"])
def test_a_posterior_that_is_not_gaussian_has_points(kind, done, opened, digits):
    """Nothing is called z_mean or z_log_var that is not that of a Gaussian."""
    result = done("encode", "flow", "--format", kind)
    z = opened("flow").latents(digits[0][:200])
    if kind == "csv":
        columns = columns_of(result.folder / "latents.csv")
        assert list(columns) == ["z_1", "z_2", "label"]
        close(np.array([columns["z_1"], columns["z_2"]], float).T, z)
    else:
        arrays = {"npz": {"latents.npz"}, "npy": {"z.npy", "labels.npy"}}[kind]
        assert result.left == arrays | {"latent_pca.png"}
        close(result.z if kind == "npz" else np.load(result.folder / "z.npy"), z)


def test_one_row_has_no_principal_axes(done, tmp_path):
    np.save(tmp_path / "one.npy", np.zeros((1, 6)))
    result = done("encode", "serket", tmp_path / "one.npy")
    assert result.left == {"latents.npz"} and result.z_mean.shape == (1, 2)


def test_results_go_to_the_next_free_folder_of_the_run(call, run_of):
    folder = run_of("serket")
    for number in ("001", "002"):
        result = call("encode", folder)
        assert result.code == 0
        assert f"Written to {folder}/encode-{number}:" in result.out
        assert (folder / f"encode-{number}" / "latents.npz").exists()


def test_overwrite_writes_over_a_folder_that_holds_files(call, run_of, tmp_path):
    (tmp_path / "latents.npz").write_text("old")
    given = [run_of("serket"), "--out", tmp_path, "--overwrite"]
    assert call("encode", *given).code == 0
    assert len(np.load(tmp_path / "latents.npz")["z_mean"]) == 60


def test_a_conditional_model_reads_the_labels_by_name(done, opened, digits, tmp_path):
    x, names = digits[0][:6], np.array(["7", "3", "3", "9", "7", "3"])
    np.savez(tmp_path / "few.npz", x=x, y=names)  # here "3" has the code 0
    codes = names.astype(int)
    model = opened("conditional")
    result = done("encode", "conditional", tmp_path / "few.npz")
    close(result.z_mean, model.encode(x, codes)[0])
    assert [result.label_names[code] for code in result.labels] == names.tolist()
    result = done("reconstruct", "conditional", tmp_path / "few.npz")
    close(result.x_mean, model.reconstruct(x, codes))


def test_a_conditional_model_encodes_its_own_data(done, opened, digits):
    x, labels = digits[0][:200], digits[1][:200]
    z_mean, _ = opened("conditional").encode(x, labels)
    close(done("encode", "conditional").z_mean, z_mean)


@pytest.mark.parametrize("run", ["digits", "flow"])
def test_reconstruct_gives_every_row_and_its_squared_error(run, done, opened, data):
    x = np.load(data / "digits.npz")["x"].astype("float32")
    result = done("reconstruct", run, "--n", 7)
    np.testing.assert_array_equal(result.x, x)
    close(result.x_mean, opened(run).reconstruct(x))
    error = [np.sum((a - b) ** 2) for a, b in zip(x, result.x_mean, strict=True)]
    close(result.squared_error, error)
    assert result.left == {"reconstructions.npz", "reconstructions.png"}
    assert "columns" not in vars(result)


@pytest.mark.parametrize(
    "run, source", [("digits", "digits.npz"), ("serket", "table.npz")]
)
def test_data_on_disk_are_reconstructed_in_parts(
    run, source, done, data, tmp_path, monkeypatch
):
    """As those in memory, 7 rows at a time."""
    path = tmp_path / "x.npy"
    np.save(path, np.load(data / source)["x"].astype(np.float32))
    expected = done("reconstruct", run, path)
    monkeypatch.setattr(loading, "LIMIT", 1000)
    monkeypatch.setattr(ondisk_array, "MAX_ROWS", 7)
    result = done("reconstruct", run, path)
    assert result.left == {"x_mean.npy", "squared_error.npy", "reconstructions.png"}
    for name in ("x_mean", "squared_error"):
        close(np.load(result.folder / f"{name}.npy"), getattr(expected, name))


def test_an_array_of_columns_is_reconstructed_in_its_units(done, opened, table, scaled):
    """The error is that of the scaled columns, which have one weight."""
    result = done("reconstruct", "serket")
    np.testing.assert_array_equal(result.x, table["x"])
    x_mean = opened("serket").reconstruct(scaled(table["x"]))
    close(scaled(result.x_mean), x_mean)
    error = np.square(scaled(table["x"]) - x_mean).sum(axis=1)
    close(result.squared_error, error)
    assert result.columns.tolist() == [f"column {i}" for i in range(1, 7)]
    assert result.left == {"reconstructions.npz", "reconstructions.png"}


def test_the_picture_shows_rows_from_the_first_to_the_last():
    assert spread(1797, 5).tolist() == [0, 449, 898, 1347, 1796]
    assert spread(3, 10).tolist() == [0, 1, 2]
    assert spread(1, 10).tolist() == [0]
