"""Names and files that are none of data: pipes, home folders, archives without end."""

import os

import numpy as np
import pandas
import pytest

from models import checks, data
from models.data.errors import DataError


@pytest.mark.parametrize("suffix", ["csv", "npy", "npz", "xlsx", "parquet"])
def test_a_pipe_is_refused_and_never_opened(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    os.mkfifo(path)
    with pytest.raises(DataError, match=f"{path}: is a pipe or a device"):
        data.load(path)


def test_a_name_that_starts_with_a_tilde_needs_no_home_of_it(tmp_path, monkeypatch):
    """Excel leaves files such as ~$table.xlsx."""
    monkeypatch.chdir(tmp_path)
    for source, labels in (("~$x.csv", None), ("x.csv", "~$y.csv")):
        with pytest.raises(DataError, match="there is"):
            data.load(source, labels)
        (tmp_path / source).write_text("a,b\n1,2\n3,5\n")
    assert data.load("~$x.csv").values.shape == (2, 2)


@pytest.fixture
def endless(tmp_path):
    """An .npz whose five arrays unpack to 4 GiB each, as its directory says."""
    path = tmp_path / "x.npz"
    np.savez(path, **{name: np.zeros((4, 2)) for name in "xabcd"})
    content, entry = bytearray(path.read_bytes()), 0
    while (entry := content.find(b"PK\x01\x02", entry) + 1) > 0:
        content[entry + 23 : entry + 27] = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(content)
    return path


def test_an_archive_that_unpacks_without_bound_is_refused(endless):
    with pytest.raises(ValueError, match="x.npz: unpacks to 20.0 GiB, .* at most 16 G"):
        data.load(endless)


@pytest.mark.parametrize("suffix", ["parquet", "xlsx", "npz"])
def test_the_bound_holds_for_all_that_is_compressed(tmp_path, monkeypatch, suffix):
    x, path = np.arange(1200.0).reshape(600, 2), tmp_path / f"x.{suffix}"
    if suffix == "npz":
        np.savez_compressed(path, x=x)
    else:
        kind = {"xlsx": "excel"}.get(suffix, suffix)
        getattr(pandas.DataFrame(x, columns=["a", "b"]), f"to_{kind}")(path)
    assert data.load(path).values.shape[0] == 600
    monkeypatch.setattr(checks, "MAX_UNPACKED", 8000)
    with pytest.raises(ValueError, match=f"x.{suffix}: unpacks to"):
        data.load(path)
