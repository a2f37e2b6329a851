"""Wrong options on the command line: a message that names them, and no files."""

import re

import pytest


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """The folder where a command would write."""
    monkeypatch.chdir(tmp_path)


NUMBERS = {  # option -> words that it refuses
    "--epochs": "0 -1 1.5 many nan inf 1e3",
    "--batch-size": "0 -1 1.5 many nan inf",
    "--filters": "0 -8 8.5 wide nan inf",
    "--latent-dim": "0 -1 2.5 two nan inf",
    "--hidden-dims": "0 -8 8.5 wide nan inf",
    "--n-samples": "0 -1 1.5 many nan inf",
    "--rounds": "0 -1 1.5 many nan inf",
    "--starts": "0 -1 1.5 many nan inf",
    "--n-components": "0 -1 1.5 many nan inf",
    "--image-size": "0 -1 8.5 large 8x8",
    "--seed": "-1 0.5 random nan inf",
    "--learning-rate": "0 -0.1 fast nan inf -inf 1e999",
    "--sigma": "known nan inf",
    "--capacity": "-1 much nan inf linear linear:0:3 linear:5:x",
    "--kl-weight": "-1 heavy nan inf linear linear:0:1 cyclical:5:-1 square:5:1 1:2:3",
}


@pytest.mark.parametrize(
    "option, word",
    [(k, word) for k, words in NUMBERS.items() for word in words.split()],
)
def test_wrong_numbers(check, option, word):
    """An argument that begins with - and is no number is read as an option."""
    part = re.escape(word.rpartition(":")[2])
    expected = f"expected .*got '({re.escape(word)}|{part}|0)'|expected one"
    variant = " --variant beta" * (option == "--capacity")
    check(f"{option} {word}{variant}", f"argument {option}: ({expected})")


@pytest.mark.parametrize("words", ["8 0", "8 wide", "8,8", "(8)"])
def test_wrong_widths_among_several(check, words):
    check(f"--hidden-dims {words}", "argument --hidden-dims: expected an integer >= 1")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            "--variant vanila",
            "--variant: expected one of vanilla, .*'vanila'; did you mean vanilla\\?",
        ),
        ("--likelihood cauchy", "argument --likelihood: .*'cauchy'.*'?gaussian"),
        ("--gmm-inference k-means", "argument --gmm-inference: invalid .*'k-means'"),
        ("--gmm-message loud", "argument --gmm-message: invalid choice: 'loud'"),
        ("--learning-speed 1", "unrecognized arguments: --learning-speed 1"),
        ("--epocs=3", "unrecognized arguments: --epocs=3; did you mean --epochs\\?"),
        ("--binarise", "unrecognized arguments: --binarise; did you mean --binarize"),
        ("digits", "unrecognized arguments: digits"),
        ("--epochs 5 6", "unrecognized arguments: 6"),
        ("--epochs", "argument --epochs: expected one argument"),
        ("--hidden-dims", "argument --hidden-dims: expected at least one argument"),
        ("--n 3", "ambiguous option: --n could match .*--network, .*--n-components"),
        ("--overwrite=yes", "argument --overwrite: ignored explicit argument 'yes'"),
        ("--rows 5,4", "argument --rows: expected FIRST <= LAST, got '5,4'"),
    ],
)
def test_wrong_words(check, arguments, message):
    check(arguments, message)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            "--variant vanilla --likelihood bernoulli",
            "--likelihood is an option of beta, .*, and the variant is vanilla: leave",
        ),
        ("--variant vanilla --rounds 3", "--rounds 3: this variant takes no message"),
        (
            "--likelihood bernoulli --sigma 1",
            "--sigma is an option of --likelihood gaussian, and this one is bernoulli",
        ),
        ("--sigma 0", "sigma must be a number > 0, or None"),
        ("--filters 8", "--filters is no option of --network mlp"),
        ("--network conv --filters 2 2 2 2", "Conv needs .*16 x 16.*\\(8, 8\\)"),
        ("--activation loud", "loud"),
        ("--capacity 3 --variant iwae", "--capacity is an option of beta, and the"),
        ("--checkpoint", "--checkpoint: this variant takes messages and is trained in"),
        ("--name first --out there", "--name first is the folder runs/first: leave"),
        ("--image-shape 3", "--image-shape"),
    ],
)
def test_options_that_do_not_fit_each_other(check, arguments, message):
    check(arguments, message)
