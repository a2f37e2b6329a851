"""A run's folder: files are written whole or not at all, and never over others."""

import csv
import itertools
import json
import os
from pathlib import Path

import numpy as np

CHECKPOINT = "checkpoint.keras"


class RunFolder:
    """A new folder for the files of one run.

    Args:
        path: the folder; it must not exist, or be empty, or `overwrite` be true. `None`
            takes the first free one of <stem>-001, <stem>-002, ...

    Raises FileExistsError, NotADirectoryError or PermissionError, with a sentence.
    """

    def __init__(self, path=None, stem="runs/run", overwrite=False):
        self.path = Path(path) if path is not None else first_free(stem)
        self.written = []
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(
                f"--out must be a folder. Received: {self.path}, which is a file"
            )
        if self.path.is_dir() and any(self.path.iterdir()) and not overwrite:
            raise FileExistsError(
                f"--out {self.path} holds files already: give another folder, or "
                "--overwrite to replace them"
            )
        # those that did not exist, the innermost first
        self.made = [p for p in (self.path, *self.path.parents) if not p.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._write(".writable", lambda file: file.write_text(""))
        except OSError as error:
            raise PermissionError(
                f"--out {self.path} cannot be written: {error}"
            ) from None
        (self.path / ".writable").unlink()
        self.written.clear()

    def _write(self, name, write):
        write_whole(self.path / name, write)
        if self.path / name not in self.written:
            self.written.append(self.path / name)

    def discard(self):
        """Removes what was written, and the folders that were made here.

        A run with a checkpoint stays, for it can go on. Returns whether all is gone.
        """
        if (self.path / CHECKPOINT).exists():
            return False
        for path in self.written:
            path.unlink()
        self.written.clear()
        for folder in self.made:
            if not any(folder.iterdir()):
                folder.rmdir()
        return True

    def remove(self, name):
        """Takes a file away again, if it is there."""
        (self.path / name).unlink(missing_ok=True)
        self.written = [path for path in self.written if path.name != name]

    def json(self, name, content):
        self._write(name, lambda path: save_json(path, finite(content)))

    def csv(self, name, columns):
        """columns: a dict of equally long lists."""

        def write(path):
            with path.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(zip(*columns.values(), strict=True))

        self._write(name, write)

    def arrays(self, name, **arrays):
        self._write(name, lambda path: save_npz(path, arrays))

    def text(self, name, text):
        self._write(name, lambda path: path.write_text(text))

    def file(self, name, write):
        """write: a function that takes the path to write to."""
        self._write(name, write)

    def figure(self, name, figure):
        self._write(name, lambda path: figure.savefig(path, dpi=150))

    def model(self, name, model):
        self._write(name, model.save)


def write_whole(path, write):
    """Calls `write` with a temporary path beside the target, then renames it."""
    temporary = path.with_name(f".partial-{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def first_free(stem):
    """<stem>-001, or the next number that no folder has."""
    numbered = (Path(f"{stem}-{i:03d}") for i in itertools.count(1))
    return next(path for path in numbered if not path.exists())


def save_json(path, content):
    path.write_text(json.dumps(content, indent=2, default=plain) + "\n")


def finite(content):
    """The same with None, JSON's null, for NaN and infinity, which JSON has not."""
    if isinstance(content, dict):
        return {name: finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    is_number = isinstance(content, float | np.floating)
    return None if is_number and not np.isfinite(content) else content


def save_npz(path, arrays):
    with path.open("wb") as file:  # np.savez would add a suffix to a path
        np.savez_compressed(file, **arrays)


def plain(value):
    """NumPy's numbers, paths and tuples, as JSON has them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a JSON file")
