"""A run's folder: files whole or not at all, and never over others."""

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from models.runs.run_folder import CLAIM, RunFolder, next_free_folder


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.remove(CLAIM)  # as at its first file
    return folder


def names_in(path):
    return sorted(entry.name for entry in path.iterdir())


class Picture:
    """Stands in for a figure: writes a few bytes, and fails if it is told to."""

    def __init__(self, error=None):
        self.error = error

    def savefig(self, path, **kwargs):
        Path(path).write_bytes(b"half")
        if self.error is not None:
            raise self.error
        Path(path).write_bytes(b"whole")

    save = savefig


# --- Where ----------------------------------------------------------------------------


def test_next_free_folder_counts_up_from_001(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert next_free_folder("runs/vanilla-digits") == Path("runs/vanilla-digits-001")
    assert not Path("runs").exists()
    for taken in ("001", "002", "004"):
        Path(f"runs/vanilla-digits-{taken}").mkdir(parents=True)
    Path("runs/vanilla-digits-003").write_text("a file takes a name too")
    assert next_free_folder("runs/vanilla-digits") == Path("runs/vanilla-digits-005")
    assert next_free_folder("runs/serket-digits") == Path("runs/serket-digits-001")


def test_without_a_path_the_folder_is_the_next_free_folder_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = (RunFolder(stem="runs/serket-mnist") for _ in range(2))
    assert first.path == Path("runs/serket-mnist-001") and first.path.is_dir()
    assert second.path == Path("runs/serket-mnist-002") and second.path.is_dir()


def test_a_new_folder_is_made_with_its_parents_and_holds_only_its_files(tmp_path):
    folder = RunFolder(tmp_path / "a" / "b" / "run")
    assert folder.path.is_dir() and names_in(folder.path) == [CLAIM]
    folder.write_json("a.json", 1)
    assert names_in(folder.path) == ["a.json"]
    assert folder.written == [folder.path / "a.json"]


def test_an_empty_folder_and_a_path_as_text_are_taken(tmp_path):
    assert RunFolder(str(tmp_path)).path == tmp_path


def test_a_folder_with_files_is_refused_and_stays(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=f"--out {tmp_path} holds .*--overwrite"):
        RunFolder(tmp_path)
    assert names_in(tmp_path) == ["notes.txt"]
    RunFolder(tmp_path, overwrite=True).write_json("a.json", 1)
    assert names_in(tmp_path) == ["a.json", "notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_is_no_folder(tmp_path, overwrite):
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(NotADirectoryError, match=f"--out must be a folder.*{path}"):
        RunFolder(path, overwrite=overwrite)
    assert path.read_text() == "mine"


def test_a_path_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    path = tmp_path / "file" / "run"
    with pytest.raises(PermissionError, match=f"--out {path} cannot be written"):
        RunFolder(path)
    assert names_in(tmp_path) == ["file"]
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(PermissionError, match="link/run-001 cannot be written"):
        RunFolder(stem=f"{tmp_path}/link/run")


def test_a_folder_that_takes_no_files_is_refused(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(PermissionError, match="--out .* cannot be written.*No space"):
        RunFolder(tmp_path)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("make_first", [False, True])
def test_of_runs_at_the_same_time_one_takes_a_folder(tmp_path, make_first):
    """Before it has a file and after."""
    path = tmp_path / "run"
    if make_first:
        path.mkdir()

    def take(_):
        try:
            return RunFolder(path)
        except FileExistsError as error:
            assert "holds files already" in str(error)

    with ThreadPoolExecutor(8) as pool:
        (taken,) = filter(None, pool.map(take, range(16)))
    taken.write_json("a.json", 1)
    assert take(0) is None and names_in(path) == ["a.json"]


def test_runs_at_the_same_time_take_different_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        folders = [*pool.map(lambda _: RunFolder(stem="runs/a"), range(16))]
    assert len({folder.path for folder in folders}) == 16


# --- Writing --------------------------------------------------------------------------


def test_files_are_listed_in_the_order_they_were_written(folder):
    folder.write_json("b.json", {})
    folder.write_figure("a.png", Picture())
    folder.write_file("c.keras", Picture().save)
    assert [path.name for path in folder.written] == ["b.json", "a.png", "c.keras"]
    assert all(path.parent == folder.path for path in folder.written)
    assert names_in(folder.path) == ["a.png", "b.json", "c.keras"]


def test_json_has_null_for_what_is_no_finite_number(folder):
    """A class alone has no silhouette: Python's NaN is no JSON."""
    scores = {"one": float("nan"), "more": [np.float32("inf"), 2.5, "NaN"], "n": 3}
    folder.write_json("scores.json", {"scores": scores})
    text = (folder.path / "scores.json").read_text()
    expected = {"one": None, "more": [None, 2.5, "NaN"], "n": 3}
    assert json.loads(text, parse_constant=pytest.fail) == {"scores": expected}


BAD = {
    "json of an unknown type": lambda f, name: f.write_json(
        name, {"a": 1, "b": object()}
    ),
    "csv of unequal columns": lambda f, name: f.write_csv(
        name, {"a": [1, 2], "b": [1]}
    ),
    "arrays that cannot be stored": lambda f, name: f.write_arrays(
        name, a=Unstorable()
    ),
    "a figure that fails": lambda f, name: f.write_figure(
        name, Picture(RuntimeError())
    ),
    "a model that fails": lambda f, name: f.write_file(
        name, Picture(ValueError().save)
    ),
    "a full disk": lambda f, name: f.write_figure(name, Picture(OSError(28, "full"))),
    "Ctrl-C": lambda f, name: f.write_figure(name, Picture(KeyboardInterrupt())),
}


class Unstorable:
    def __array__(self, *_, **__):
        raise TypeError("no array")


@pytest.mark.parametrize("write", BAD.values(), ids=BAD)
@pytest.mark.parametrize("before", [None, "old"])
def test_a_write_that_fails_leaves_no_file_or_the_old_one(folder, write, before):
    if before is not None:
        (folder.path / "file").write_text(before)
    with pytest.raises((Exception, KeyboardInterrupt)):
        write(folder, "file")
    assert names_in(folder.path) == ([] if before is None else ["file"])
    if before is not None:
        assert (folder.path / "file").read_text() == before
    assert folder.written == []


def test_a_file_appears_under_its_name_only_when_it_is_whole(folder):
    seen = []

    class Watched(Picture):
        def savefig(self, path, **kwargs):
            super().savefig(path)
            seen.append((Path(path).suffix, "a.png" in names_in(folder.path)))

    folder.write_figure("a.png", Watched())
    assert seen == [(".png", False)]  # the suffix tells writers the format
    assert (folder.path / "a.png").read_bytes() == b"whole"


def test_a_file_is_replaced_whole(folder):
    folder.write_json("a.json", {"a": list(range(100))})
    folder.write_json("a.json", {})
    assert json.loads((folder.path / "a.json").read_text()) == {}


# --- Formats --------------------------------------------------------------------------


def test_json_takes_numpys_numbers_paths_and_tuples(folder):
    content = {
        "float32": np.float32(0.5),
        "float64": np.float64(1e-300),
        "int": np.int64(-3),
        "big": 2**70,
        "bool": np.bool_(True),
        "none": None,
        "path": Path("some/where"),
        "dims": (8, np.int32(4)),
        "nested": [{"a": np.uint8(1)}],
        "text": "Zürich",
    }
    folder.write_json("a.json", content)
    text = (folder.path / "a.json").read_text()
    assert text.endswith("}\n")
    assert json.loads(text) == {
        "float32": 0.5,
        "float64": 1e-300,
        "int": -3,
        "big": 2**70,
        "bool": True,
        "none": None,
        "path": "some/where",
        "dims": [8, 4],
        "nested": [{"a": 1}],
        "text": "Zürich",
    }
    assert list(json.loads(text)) == list(content)


def test_csv_has_a_header_and_a_row_for_each_value(folder):
    columns = {"round": [1, 2], "loss": [0.1, 1e-17], "agreement": [None, 0.5]}
    folder.write_csv("a.csv", columns)
    with (folder.path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["round"] for row in rows] == ["1", "2"]
    assert [float(row["loss"]) for row in rows] == [0.1, 1e-17]
    assert [row["agreement"] for row in rows] == ["", "0.5"]


def test_arrays_come_back_without_pickle(folder, rng):
    z, labels = rng.normal(size=(5, 2)).astype("float32"), np.arange(5)
    folder.write_arrays("a.npz", z=z, labels=labels)
    with np.load(folder.path / "a.npz", allow_pickle=False) as stored:
        assert set(stored) == {"z", "labels"}
        np.testing.assert_array_equal(stored["z"], z)
        assert stored["z"].dtype == np.float32
        np.testing.assert_array_equal(stored["labels"], labels)


# --- Taking back ----------------------------------------------------------------------


def test_discard_removes_a_folder_that_was_made_for_nothing(tmp_path):
    folder = RunFolder(tmp_path / "runs" / "run")
    folder.discard()
    assert names_in(tmp_path) == []


def test_discard_removes_what_this_run_wrote_and_nothing_else(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    folder = RunFolder(tmp_path, overwrite=True)
    folder.write_json("a.json", 1)
    folder.discard()
    assert names_in(tmp_path) == ["mine.txt"]


def test_discard_keeps_a_folder_that_was_there_before(tmp_path):
    RunFolder(tmp_path).discard()
    assert tmp_path.is_dir()
