"""Where `update` writes, and how: every file whole or not at all."""

from pathlib import Path

import numpy as np

from models.runs.run_folder import write_whole


class output_dir:
    """The folder that holds `module001_vae/` and its siblings.

    `srk.output_dir("results")` sets it from here on, and in a `with` statement for the
    block. Until then it is the working directory; `None` writes no files.
    """

    current = Path()

    def __init__(self, path):
        self.before = output_dir.current
        output_dir.current = None if path is None else Path(path)

    def __enter__(self):
        return output_dir.current

    def __exit__(self, *exception):
        output_dir.current = self.before


def write_text(path, array, fmt=None):
    """An array as text, a row for each datum, in digits that lose nothing."""
    array = np.asarray(array)
    fmt = fmt or ("%.9g" if array.dtype == np.float32 else "%.17g")
    table = array.reshape(len(array), -1) if array.ndim else array[None]
    write_whole(path, lambda part: np.savetxt(part, table, fmt=fmt))
