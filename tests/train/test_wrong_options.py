"""Wrong options on the command line: one sentence that names them, and nothing left."""

import re

import pytest


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Whatever a command leaves, it leaves here."""
    monkeypatch.chdir(tmp_path)


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
            "ambiguous option: --n could match .*--network, .*--n-components",
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
            "--likelihood bernoulli: the variant vanilla is gaussian; use another",
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
        ("--binarize --likelihood gaussian", "--binarize: .* need --likelihood"),
        ("--binarize --variant conditional", "--binarize: not for the variant"),
        ("--capacity 3", "--capacity 3: only the variant beta .* use --variant beta"),
    ],
)
def test_options_that_contradict_each_other(check, arguments, sentence):
    check(arguments, sentence)


def test_the_way_out_of_a_contradiction_is_no_other_contradiction(refused):
    sentence = refused("--variant", "bernoulli", "--sigma", "1")
    assert "add --likelihood gaussian" not in sentence, "which bernoulli refuses too"
