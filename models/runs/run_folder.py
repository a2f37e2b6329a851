"""The folder of a run: files are written atomically, and never over those of others."""

import csv
import io
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from models.atomic_files import write_atomically

CHECKPOINT = "checkpoint.keras"
CLAIM = ".taken"  # is in the folder until its first file


class RunFolder:
    """A new folder for the files of one run.

    Args:
        path: the folder: a new or an empty one, unless `overwrite`. `None` takes the
            first free one of <stem>-001, <stem>-002, ...
        stem: the start of its path where `path` is `None`.
        overwrite: whether a folder that holds files is accepted.

    Attributes: `path`; `written`, the paths of the files in the order of writing.
    Raises FileExistsError, NotADirectoryError or PermissionError, with a message for
    the user.
    """

    def __init__(self, path=None, stem: str = "runs/run", overwrite: bool = False):
        self.written: list[Path] = []
        while True:
            self.path = Path(path) if path is not None else next_free_folder(stem)
            try:
                return self._take(overwrite)
            except FileExistsError:  # another run may just have taken that number
                if path is not None:
                    raise

    def _take(self, overwrite):
        """Makes the folder and claims it; of runs at the same time one succeeds."""
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(
                f"--out must be a folder. Received: {self.path}, which is a file"
            )
        self._new = [
            p for p in (self.path, *self.path.parents) if not p.exists()
        ]  # outwards
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not overwrite:
                self._check_empty()
            (self.path / CLAIM).touch(exist_ok=overwrite)
            self.written.append(self.path / CLAIM)
            if not overwrite:  # no other run has claimed and filled it since
                self._check_empty()
        except OSError as error:
            if self.written:
                self.remove(CLAIM)
            if isinstance(error, FileExistsError) and self.path.is_dir():
                raise FileExistsError(
                    f"--out {self.path} holds files already: give another folder, or "
                    "--overwrite to replace them"
                ) from None
            raise PermissionError(
                f"--out {self.path} cannot be written: {error}"
            ) from None

    def _check_empty(self):
        if any(path.name != CLAIM for path in self.path.iterdir()):
            raise FileExistsError

    def discard(self) -> bool:
        """Removes what was made here, unless there is a checkpoint to resume from.

        Returns whether the files are gone.
        """
        if (self.path / CHECKPOINT).exists():
            return False
        for path in self.written:
            path.unlink()
        self.written.clear()
        for folder in self._new:
            if not any(folder.iterdir()):
                folder.rmdir()
        return True

    def remove(self, name: str) -> None:
        """Removes a file, if there is one of this name."""
        (self.path / name).unlink(missing_ok=True)
        self.written = [path for path in self.written if path.name != name]

    def write_file(self, name: str, write: Callable[[Path], object]) -> None:
        """Writes a file with a function of the path."""
        write_atomically(self.path / name, write)
        self.remove(CLAIM)
        if self.path / name not in self.written:
            self.written.append(self.path / name)

    def write_text(self, name: str, text: str) -> None:
        """Writes a text."""
        self.write_file(name, lambda path: path.write_text(text, "utf-8"))

    def write_json(self, name: str, content) -> None:
        """Writes JSON, with null for numbers that are not finite."""
        self.write_file(name, lambda path: save_json(path, content))

    def write_csv(self, name: str, columns: dict[str, list]) -> None:
        """Writes a table of equally long columns, by name."""
        table = io.StringIO(newline="")
        rows = zip(*columns.values(), strict=True)
        csv.writer(table).writerows([columns, *rows])
        self.write_text(name, table.getvalue())

    def write_arrays(self, name: str, **arrays) -> None:
        """Writes arrays by name, compressed, as .npz; `None` is left out."""
        arrays = {key: array for key, array in arrays.items() if array is not None}
        self._write_numpy(name, np.savez_compressed, **arrays)

    def write_array(self, name: str, array) -> None:
        """Writes an array as .npy."""
        self._write_numpy(name, np.save, array)

    def _write_numpy(self, name, save, *array, **arrays):
        def write(path):
            with path.open("wb") as file:  # NumPy would add a suffix to a path
                save(file, *array, **arrays)

        self.write_file(name, write)

    def write_figure(self, name: str, figure) -> None:
        """Writes a Matplotlib figure."""
        self.write_file(name, lambda path: figure.savefig(path, dpi=150))


def next_free_folder(stem: str) -> Path:
    """<stem>-001, or the first number that is not in use."""
    numbered = (Path(f"{stem}-{i:03d}") for i in itertools.count(1))
    return next(path for path in numbered if not os.path.lexists(path))


def save_json(path: Path, content) -> None:
    """Writes JSON: NumPy's numbers and paths too, and null for NaN and infinity."""
    path.write_text(json.dumps(_to_json(content), indent=2) + "\n", "utf-8")


def _to_json(content):
    if isinstance(content, dict):
        return {name: _to_json(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_to_json(value) for value in content]
    if isinstance(content, np.generic):
        content = content.item()
    if isinstance(content, float) and not np.isfinite(content):
        return None
    return str(content) if isinstance(content, Path) else content
