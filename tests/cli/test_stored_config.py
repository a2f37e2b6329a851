"""--config: the options of a finished run, given again."""

import json

import pytest

from models.cli import options

STORED = {
    "data": "digits",
    "variant": "beta",
    "epochs": 7,
    "steps": None,
    "hidden_dims": [16, 8],
    "kl_weight": ["linear", 5.0],
    "capacity": 3.0,
    "rounds": 1,
    "starts": 1,
    "n_components": None,
    "name": "first",
    "preprocessing": {"kind": "images"},
    "data_digest": "0",
    "versions": {"keras": "3"},
}


@pytest.fixture
def stored(tmp_path):
    """A function: writes a configuration with changes; returns its path."""

    def write(**changes):
        path = tmp_path / "config.json"
        path.write_text(json.dumps(STORED | changes))
        return str(path)

    return write


def test_the_options_of_the_run_are_given(stored):
    assert options.parse(["--config", stored()]) == {
        "data": "digits",
        "variant": "beta",
        "epochs": 7,
        "hidden_dims": (16, 8),
        "kl_weight": ("linear", 5.0),
        "capacity": 3.0,
        "rounds": 1,
        "starts": 1,
    }


def test_options_on_the_command_line_come_first(stored):
    words = ["--config", stored(), "--epochs", "2", "--capacity", "1", "--seed", "4"]
    given = options.parse(words)
    assert (given["epochs"], given["capacity"], given["seed"]) == (2, 1.0, 4)
    assert "config" not in given


def test_steps_replace_the_epochs_that_follow_from_them(stored):
    given = options.parse(["--config", stored(steps=50, steps_per_epoch=10)])
    assert given["steps"] == 50 and given["steps_per_epoch"] == 10
    assert "epochs" not in given


def test_another_variant_takes_the_options_that_it_has(stored):
    given = options.parse(["--config", stored(), "--variant", "vanilla"])
    assert given["variant"] == "vanilla" and given["epochs"] == 7
    assert given.keys().isdisjoint({"capacity", "rounds", "starts"})


def test_wrong_files_are_refused(stored, tmp_path):
    with pytest.raises(ValueError, match="nothing.json: cannot be opened"):
        options.parse(["--config", str(tmp_path / "nothing.json")])
    (tmp_path / "list.json").write_text("{}")
    with pytest.raises(ValueError, match="list.json: .*expected the configuration"):
        options.parse(["--config", str(tmp_path / "list.json")])
    with pytest.raises(ValueError, match="--resume r takes no --config"):
        options.parse(["--config", stored(), "--resume", "r"])
