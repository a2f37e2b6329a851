"""Wrong input from the command line: one sentence that names it, and nothing left."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import models
from models import train
from models.experiment import data

ROOT = Path(models.__file__).parents[1]
ERROR = "python -m models.train: error: "
TRACEBACK = "Traceback"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with data, most of them wrong."""
    folder, rng = tmp_path_factory.mktemp("inputs"), np.random.default_rng(0)
    x, labels = rng.normal(size=(60, 6)), np.arange(60) % 3

    def array(name, value):
        np.save(folder / name, value)

    def text(name, *lines):
        (folder / name).write_text("".join(line + "\n" for line in lines))

    def pixels(name, *shape):
        (folder / name).parent.mkdir(exist_ok=True)
        values = rng.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(values).save(folder / name)

    np.savez(folder / "good.npz", x=x, y=labels)
    whole = (folder / "good.npz").read_bytes()
    (folder / "truncated.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(folder / "keyless.npz", a=x, b=x)
    np.savez(folder / "no_arrays.npz")
    with np.errstate(all="ignore"):
        array("objects.npy", np.array([{"a": 1}, None], object))
    array("words.npy", np.full((60, 6), "a"))
    array("complex.npy", x + 1j)
    array("one_axis.npy", x[:, 0])
    array("five_axes.npy", np.zeros((2, 2, 2, 2, 2)))
    array("no_rows.npy", x[:0])
    array("no_columns.npy", x[:, :0])
    array("nan.npy", np.where(np.arange(360).reshape(60, 6) == 45, np.nan, x))
    array("inf.npy", np.where(np.arange(360).reshape(60, 6) == 45, np.inf, x))
    array("large.npy", x * 1e300)
    array("one_row.npy", x[:1])
    array("labels50.npy", labels[:50])
    array("labels_2d.npy", x)
    text("text.csv", "1,2,3", "4,five,6", "7,8,9")
    text("ragged.csv", "1,2,3", "4,5", "7,8,9")
    text("good.csv", "a,b,kind", "1,2,p", "3,4,q")
    text("header_only.csv", "a,b,c")
    text("gaps.csv", "a,b,label", "1,2,p", "3,4,")
    text("notes.md", "# Notes")
    text("empty.csv")
    for name in ("empty.npz", "empty.npy"):
        (folder / name).write_bytes(b"")
    (folder / "no_images").mkdir()
    text("no_images/notes.txt", "no image")
    for i, side in enumerate((8, 8, 9)):
        pixels(f"sizes/{i}.png", side, side)
        pixels(f"images/{i}.png", 8, 8)
        pixels(f"broken/{i}.png", 8, 8)
    (folder / "broken" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    text("occupied.txt", "a file")
    (folder / "full").mkdir()
    text("full/thesis.txt", "mine")
    return folder


def paths_in(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def refused(capfd, *arguments):
    """The sentence on stderr of a command that must end with 2, or {text}."""
    try:
        code = train.main([*arguments])
    except SystemExit as stop:  # argparse's own
        code = stop.code
    out, err = capfd.readouterr()
    assert code == 2, out + err
    assert TRACEBACK not in err and out == ""
    *usage, sentence = err.splitlines()
    assert sentence.startswith(ERROR), err
    assert not usage or usage[0].startswith("usage: python -m models.train"), err
    return sentence.removeprefix(ERROR)


@pytest.fixture
def check(capfd, inputs, monkeypatch):
    """Checks that a command is refused with a sentence, and leaves nothing behind."""
    monkeypatch.chdir(inputs)

    def check(arguments, sentence):
        before = paths_in(inputs)
        assert re.search(sentence, refused(capfd, *arguments.split()))
        assert paths_in(inputs) == before

    return check


# --- Data -----------------------------------------------------------------------------

DATA = {  # --data and --labels -> the sentence
    "digit": "digit: .* did you mean 'digits'",
    "fashion-mnist": "fashion-mnist: .* did you mean 'fashion_mnist'",
    "Serket": "Serket: .* did you mean 'serket'",
    "nowhere.npz": "nowhere.npz: .* nothing of that name; check the path",
    "no/such/folder": "no/such/folder: .* nothing of that name",
    "n" * 300: "n{300}",
    "mnist:nowhere.npz": "mnist:nowhere.npz: there is no such file",
    "serket:": "serket:: there is no such file",
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
    "no_rows.npy": "no_rows.npy: .* there are no rows",
    "no_columns.npy": "no_columns.npy: .* there are no features",
    "nan.npy": r"nan.npy: expected finite .* first in row 7, column 3, .* NaN",
    "inf.npy": r"inf.npy: expected finite numbers, .* row 7, column 3",
    "large.npy": "large.npy: .* too large for float32; scale the data down",
    "text.csv": "text.csv: line 2, column 2 holds 'five', expected a number",
    "ragged.csv": "ragged.csv: line 2 has 2 fields, expected 3",
    "header_only.csv": "header_only.csv: .* there are no rows",
    "gaps.csv": "gaps.csv: 1 labels are not .* row 1 .* give every row a label",
    "notes.md": "notes.md: unknown kind of file '.md'; expected .* .csv",
    "empty.csv": "empty.csv: the file is empty",
    "empty.npz": "empty.npz: is empty",
    "empty.npy": "empty.npy: is empty",
    "no_images": "no_images: no images in this folder; expected files .* .png",
    "sizes": "sizes/2.png: is 9 x 9, expected 8 x 8 as in .*--image-size",
    "broken": "broken/3.png: is empty, damaged",
    "good.npz labels50.npy": "labels50.npy: .* each of the 60 rows, got 50 labels",
    "good.npz labels_2d.npy": r"labels_2d.npy: .* got shape \(60, 6\)",
    "good.npz nowhere.csv": "--labels nowhere.csv: there is no such file",
    "good.npz species": "--labels species: good.npz has no such key, only x, y",
    "good.csv species": "--labels species: good.csv has no such column, only a, b",
    "images species": "--labels species: images has no named columns",
    "digits species": "--labels species: the data set 'digits' has no named columns",
}


@pytest.mark.parametrize("source, sentence", DATA.items(), ids=[k[:30] for k in DATA])
def test_wrong_data(check, source, sentence):
    name, _, labels = source.partition(" ")
    check(f"--data {name} " + (f"--labels {labels}" if labels else ""), sentence)


@pytest.mark.parametrize("source, sentence", DATA.items(), ids=[k[:30] for k in DATA])
def test_wrong_data_from_python(inputs, monkeypatch, source, sentence):
    monkeypatch.chdir(inputs)
    name, _, labels = source.partition(" ")
    with pytest.raises((ValueError, OSError), match=sentence):
        data.load(name, labels or None)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("--data good.npz --image-size 8", "--image-size is for a folder of images"),
        ("--data digits --image-size 8", "--image-size is for a folder of images"),
        ("--data good.npz", "--batch-size 128: good has only 60 rows; .* at most 60"),
        ("--data good.npz --batch-size 61", "--batch-size 61: good has only 60 rows"),
        (
            "--data good.npz --batch-size 60 --n-components 61",
            "--n-components 61: good has only 60 rows; give at most 60 classes",
        ),
        (
            "--data images --batch-size 3",
            "--n-components 10: images has only 3 rows; give at most 3",
        ),
        (
            "--data good.npz --batch-size 60 --variant bernoulli",
            r"good: a Bernoulli decoder expects values in \[0, 1\].*gaussian",
        ),
        (
            "--data good.npz --batch-size 60 --likelihood bernoulli",
            r"good: a Bernoulli decoder expects values in \[0, 1\].*smallest -\d",
        ),
    ],
)
def test_data_that_do_not_go_with_the_options(check, arguments, sentence):
    check(arguments, sentence)


# --- Options --------------------------------------------------------------------------

NUMBERS = {  # option -> words it does not take
    "--epochs": "0 -1 1.5 many nan inf 1e3",
    "--batch-size": "0 -1 1.5 many nan inf",
    "--filters": "0 -8 8.5 wide nan inf",
    "--latent-dim": "0 -1 2.5 two nan inf",
    "--hidden-dims": "0 -8 8.5 wide nan inf",
    "--n-samples": "0 -1 1.5 many nan inf",
    "--rounds": "0 -1 1.5 many nan inf",
    "--n-components": "0 -1 1.5 many nan inf",
    "--image-size": "0 -1 8.5 large 8x8",
    "--seed": "-1 0.5 random nan inf",
    "--learning-rate": "0 -0.1 fast nan inf -inf 1e999",
    "--sigma": "0 -1 known nan inf",
    "--capacity": "-1 much nan inf linear linear:0:3 linear:5:x",
    "--kl-weight": "-1 heavy nan inf linear linear:0:1 cyclical:5:-1 square:5:1 1:2:3",
}


@pytest.mark.parametrize(
    "option, word",
    [(k, word) for k, words in NUMBERS.items() for word in words.split()],
)
def test_wrong_numbers(check, option, word):
    """An argument that begins with - and is no number reads as an option."""
    came = f"expected .*got '{re.escape(word.rpartition(':')[2])}'|expected one"
    whole = f"expected .*got '{re.escape(word)}'|expected .*got '"
    check(f"{option} {word}", f"argument {option}: ({came}|{whole})")


@pytest.mark.parametrize("words", ["8 0", "8 wide", "8,8", "(8)"])
def test_wrong_widths_among_several(check, words):
    check(f"--hidden-dims {words}", "argument --hidden-dims: expected an integer >= 1")


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("--variant vanila", "argument --variant: invalid choice: 'vanila'.*'vanilla'"),
        ("--likelihood poisson", "argument --likelihood: .*'poisson'.*'gaussian'"),
        ("--gmm k-means", "argument --gmm: invalid choice: 'k-means' .*'gibbs'"),
        ("--message loud", "argument --message: invalid choice: 'loud' .*'soft'"),
        ("--learning-speed 1", "unrecognized arguments: --learning-speed 1"),
        ("digits", "unrecognized arguments: digits"),
        ("--epochs 5 6", "unrecognized arguments: 6"),
        ("--epochs", "argument --epochs: expected one argument"),
        ("--hidden-dims", "argument --hidden-dims: expected at least one argument"),
        (
            "--n 3",
            "ambiguous option: --n could match --network, .*, --n-components",
        ),
        ("--overwrite=yes", "argument --overwrite: ignored explicit argument 'yes'"),
    ],
)
def test_wrong_words(check, arguments, sentence):
    check(arguments, sentence)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (
            "--variant vanilla --likelihood bernoulli",
            "--likelihood bernoulli: the variant vanilla is gaussian; use --variant",
        ),
        (
            "--variant bernoulli --likelihood gaussian",
            "--likelihood gaussian: the variant bernoulli is bernoulli",
        ),
        ("--variant vanilla --rounds 3", "--rounds 3: the variant vanilla does not"),
        (
            "--variant bernoulli --rounds 2",
            "--rounds 2: the variant bernoulli does not",
        ),
        (
            "--likelihood bernoulli --sigma 1",
            "--sigma 1.0 belongs to a gaussian likelihood.* add --likelihood gaussian",
        ),
        (
            "--likelihood bernoulli --sigma learn",
            "--sigma learn belongs to a gaussian likelihood",
        ),
        ("--variant bernoulli --sigma 1", "--sigma 1.0 belongs to a gaussian"),
        ("--filters 8", "--filters is no option of --network mlp"),
        ("--residual", "--residual is no option of --network mlp"),
        (
            "--network conv --hidden-dims 8",
            "--hidden-dims is no option of --network conv",
        ),
        (
            "--network conv --filters 2 2 2 2",
            "Conv needs images of at least 16 x 16.*\\(8, 8\\)",
        ),
        ("--capacity 3", "--capacity 3: only the variant beta .* use --variant beta"),
    ],
)
def test_options_that_contradict_each_other(check, arguments, sentence):
    check(arguments, sentence)


def test_the_way_out_of_a_contradiction_is_no_other_contradiction(inputs, capfd):
    sentence = refused(capfd, "--variant", "bernoulli", "--sigma", "1")
    assert "add --likelihood gaussian" not in sentence, "which bernoulli refuses too"


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


# --- What shows only in training ------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("--data good.npz --batch-size 60 --learning-rate 1e30", "--learning-rate"),
        ("--data one_row.npy --batch-size 1 --n-components 1", "one_row"),
    ],
)
def test_what_cannot_be_learned_is_refused_too(
    inputs, monkeypatch, capfd, tmp_path, arguments, sentence
):
    """A sentence that names what to change, and no folder with a lone config.json."""
    monkeypatch.chdir(inputs)
    arguments += " --epochs 2 --hidden-dims 4 --latent-dim 2 --variant vanilla"
    code = train.main([*arguments.split(), "--out", str(tmp_path / "out")])
    err = capfd.readouterr().err
    assert code != 0 and TRACEBACK not in err
    last = err.rstrip().splitlines()[-1].rpartition("\r")[2]
    assert last.startswith(ERROR)
    assert re.search(sentence, last)
    left = {path.name for path in tmp_path.glob("out/*")}
    assert not (tmp_path / "out").exists() or "history.csv" in left


# --- The real command -----------------------------------------------------------------


def command(*arguments, cwd, python=(), **variables):
    noise = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS")
    kept = {name: value for name, value in os.environ.items() if name not in noise}
    return subprocess.run(
        [sys.executable, *python, "-m", "models.train", *arguments],
        env=kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | variables,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command_says_one_sentence_before_any_backend_loads(inputs, tmp_path):
    source = str(inputs / "nan.npy")
    quick = command("--data", source, cwd=tmp_path, python=("-X", "importtime"))
    said = [
        line
        for line in quick.stderr.splitlines()
        if not line.startswith("import time:")
    ]
    assert quick.returncode == 2 and quick.stdout == ""
    assert len(said) == 1 and said[0].startswith(f"{ERROR}{source}: expected finite")
    imported = {line.rpartition("|")[2].strip() for line in quick.stderr.splitlines()}
    assert not imported & {"keras", "tensorflow", "jax", "torch"}
    assert not list(tmp_path.iterdir())


def test_a_download_that_fails_is_one_sentence_without_the_backends_noise(tmp_path):
    """No network: a proxy that nobody answers, and a Keras home without the file."""
    nobody = "http://127.0.0.1:9"
    result = command(
        *("--data", "fashion_mnist"),
        cwd=tmp_path,
        https_proxy=nobody,
        http_proxy=nobody,
        no_proxy="",
        KERAS_HOME=str(tmp_path / "keras"),
    )
    assert result.returncode == 2
    assert not (tmp_path / "runs").exists()
    assert TRACEBACK not in result.stderr
    said = [line for line in result.stderr.splitlines() if line.strip()]
    assert said[-1].startswith(f"{ERROR}fashion_mnist: the download failed")
    assert len(said) == 1, result.stderr
