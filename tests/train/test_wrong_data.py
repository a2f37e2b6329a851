"""Wrong data on the command line: one sentence that names them, and no output."""

import re

import numpy as np
import pytest
from PIL import Image

from models import train


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with data, most of it wrong."""
    folder, rng = tmp_path_factory.mktemp("inputs"), np.random.default_rng(0)
    write_arrays(folder, rng.normal(size=(60, 6)), np.arange(60) % 3)
    write_texts(folder)
    write_images(folder, rng)
    for name in ("empty.npz", "empty.npy", "empty.csv"):
        (folder / name).touch()
    (folder / "full").mkdir()
    (folder / "full" / "thesis.txt").write_text("mine")
    return folder


def write_arrays(folder, x, labels):
    np.savez(folder / "good.npz", x=x, y=labels)
    whole = (folder / "good.npz").read_bytes()
    (folder / "truncated.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(folder / "keyless.npz", a=x, b=x)
    np.savez(folder / "no_arrays.npz")
    arrays = {
        "objects": np.array([{"a": 1}, None], object),
        "words": np.full((60, 6), "a"),
        "complex": x + 1j,
        "one_axis": x[:, 0],
        "five_axes": np.zeros((2, 2, 2, 2, 2)),
        "no_rows": x[:0],
        "no_columns": x[:, :0],
        "inf": np.where(np.arange(360).reshape(60, 6) == 45, np.inf, x),
        "large": x * 1e300,
        "one_row": x[:1],
        "labels50": labels[:50],
        "labels_2d": x,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def write_texts(folder):
    texts = {
        "ragged.csv": "1,2,3\n4,5\n7,8,9\n",
        "good.csv": "a,b,kind\n1,2,p\n3,4,q\n",
        "header_only.csv": "a,b,c\n",
        "gaps.csv": "a,b,label\n1,2,p\n3,4,\n",
        "notes.md": "# Notes\n",
        "occupied.txt": "a file\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)


def write_images(folder, rng):
    for name in ("sizes", "images", "no_images"):
        (folder / name).mkdir()
    (folder / "no_images" / "notes.txt").write_text("no image\n")
    sides = {"sizes": (8, 8, 9), "images": (8, 8, 8)}
    for name, each in sides.items():
        for i, side in enumerate(each):
            pixels = rng.integers(0, 256, (side, side), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


@pytest.fixture(autouse=True)
def in_the_folder(inputs, monkeypatch):
    monkeypatch.chdir(inputs)


# --- Data -----------------------------------------------------------------------------

DATA = {  # --data and --labels -> the sentence
    "digit": "digit: .* did you mean 'digits'",
    "fashion-mnist": "fashion-mnist: .* did you mean 'fashion_mnist'",
    "Serket": "Serket: .* did you mean 'serket'",
    "nowhere.npz": "nowhere.npz: .* nothing of that name; check the path",
    "no/such/folder": "no/such/folder: .* nothing of that name",
    "n" * 300: "n{300}",
    "mnist:nowhere.npz": "mnist:nowhere.npz: .* nothing of that name; check the path",
    "serket:": "serket:: .* nothing of that name",
    "digits:good.npz": "digits:good.npz: comes with scikit-learn",
    "serket:good.npz": r"serket:good.npz: expected images \(n, 28, 28\)",
    "truncated.npz": "truncated.npz: is .*cut short",
    "keyless.npz": "keyless.npz: cannot tell which array .* a, b; .* key 'x'",
    "no_arrays.npz": "no_arrays.npz: cannot tell which array .* none",
    "objects.npy": "objects.npy: holds Python objects",
    "words.npy": "words.npy: expected real numbers, got an array of dtype <U1",
    "complex.npy": "complex.npy: expected real numbers, .* complex128",
    "one_axis.npy": r"one_axis.npy: expected \(rows, features\) .* \(60,\)",
    "five_axes.npy": r"five_axes.npy: expected .* got shape \(2, 2, 2, 2, 2\)",
    "no_rows.npy": r"no_rows.npy: .* one row .* got shape \(0, 6\)",
    "no_columns.npy": r"no_columns.npy: .* got shape \(60, 0\)",
    "inf.npy": r"inf.npy: expected finite numbers, .* row 7, column 3",
    "large.npy": "large.npy: .* too large for float32; .* rescale them",
    "ragged.csv": "ragged.csv: expected 3 fields in line 2, .* saw 2",
    "header_only.csv": "header_only.csv: the table has no rows",
    "gaps.csv": "gaps.csv: 1 labels are not .* row 1 .* give every row a label",
    "notes.md": "notes.md: unknown kind of file '.md'; expected .* .csv",
    "empty.csv": "empty.csv: the table has no rows",
    "empty.npz": "empty.npz: is empty",
    "empty.npy": "empty.npy: is empty",
    "no_images": "no_images: no images in this folder; expected files .* .png",
    "sizes": "sizes/2.png: is 9 x 9, expected 8 x 8 as in .*--image-size",
    "good.npz labels50.npy": "labels50.npy: .* each of the 60 rows, got 50 labels",
    "good.npz labels_2d.npy": r"labels_2d.npy: .* got shape \(60, 6\)",
    "good.npz nowhere.csv": "--labels nowhere.csv: there is no such file",
    "good.npz species": "--labels species: good.npz has no such .* key, only x, y",
    "good.csv species": "--labels species: good.csv has no such column .*, only a, b",
    "images species": "--labels species: images has no named columns",
    "digits species": "--labels species: digits has no named columns",
}


@pytest.mark.parametrize("source, sentence", DATA.items(), ids=[k[:30] for k in DATA])
def test_wrong_data(check, source, sentence):
    name, _, labels = source.partition(" ")
    check(f"--data {name} " + (f"--labels {labels}" if labels else ""), sentence)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("--data good.npz --image-size 8", "--image-size is for a folder of images"),
        ("--data digits --image-size 8", "--image-size is for a folder of images"),
        ("--data good.npz --batch-size 61", "--batch-size 61: good has only 60 rows"),
        (
            "--data good.npz --batch-size 60 --n-components 61",
            "--n-components 61: good has only 60 rows; give --n-components 60 or less",
        ),
        (
            "--data images --n-components 4",
            "--n-components 4: images has only 3 rows; give .* 3 or less",
        ),
        (
            "--data good.npz --batch-size 60 --variant bernoulli",
            r"good: the values must lie in \[0, 1\] .*gaussian",
        ),
        (
            "--data good.npz --batch-size 60 --likelihood bernoulli",
            r"good: the values must lie in \[0, 1\] .* Received: -\d",
        ),
    ],
)
def test_data_that_do_not_fit_the_options(check, arguments, sentence):
    check(arguments, sentence)


# --- Where results go -----------------------------------------------------------------


@pytest.mark.parametrize(
    "out, sentence",
    [
        ("occupied.txt", "--out must be a folder. Received: occupied.txt"),
        ("occupied.txt --overwrite", "--out must be a folder.*occupied.txt"),
        ("full", "--out full holds files already: .*--overwrite"),
        ("occupied.txt/run", "--out occupied.txt/run cannot be written"),
        ("o" * 300, "o{300}"),
    ],
)
def test_wrong_folders(check, out, sentence):
    check(f"--data good.npz --batch-size 60 --out {out}", sentence)


# --- Errors during training -----------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (
            "--data good.npz --batch-size 60 --learning-rate 1e30",
            "smaller learning rate",
        ),
        ("--data one_row.npy --batch-size 1 --n-components 1", "one_row"),
    ],
)
def test_failed_training_is_one_sentence(capfd, prefix, tmp_path, arguments, sentence):
    """The sentence names what to change, and no folder holds only config.json."""
    arguments += " --epochs 2 --hidden-dims 4 --latent-dim 2 --variant vanilla"
    code = train.main([*arguments.split(), "--out", str(tmp_path / "out")])
    err = capfd.readouterr().err
    assert code != 0 and "Traceback" not in err
    last = err.rstrip().splitlines()[-1].rpartition("\r")[2]
    assert last.startswith(prefix)
    assert re.search(sentence, last)
    left = {path.name for path in tmp_path.glob("out/*")}
    assert not (tmp_path / "out").exists() or "history.csv" in left


# --- The real command -----------------------------------------------------------------


def test_wrong_data_are_refused_before_a_backend_is_imported(
    command, prefix, inputs, tmp_path
):
    source = inputs / "inf.npy"
    quick = command("--data", source, cwd=tmp_path, options=("-X", "importtime"))
    lines = [
        line
        for line in quick.stderr.splitlines()
        if not line.startswith("import time:")
    ]
    assert quick.returncode == 2 and quick.stdout == ""
    assert len(lines) == 1 and lines[0].startswith(f"{prefix}{source}: expected finite")
    imported = {line.rpartition("|")[2].strip() for line in quick.stderr.splitlines()}
    assert not imported & {"keras", "tensorflow", "jax", "torch"}
    assert not list(tmp_path.iterdir())


def test_a_failed_download_is_one_sentence_without_output_of_the_backend(
    command, prefix, tmp_path
):
    """No network: a proxy without a server, and a Keras home without the file."""
    proxy = "http://127.0.0.1:9"
    result = command(
        *("--data", "fashion_mnist"),
        cwd=tmp_path,
        https_proxy=proxy,
        http_proxy=proxy,
        no_proxy="",
        KERAS_HOME=str(tmp_path / "keras"),
    )
    assert result.returncode == 2
    assert not (tmp_path / "runs").exists()
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert lines[-1].startswith(f"{prefix}fashion_mnist: the download failed")
    assert len(lines) == 1, result.stderr
