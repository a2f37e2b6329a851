"""Data sets: built-in ones, and arrays, tables and folders of images of the user.

`load(source)` returns a `Dataset`: x as float32, and labels as integer codes. Arrays
(.npy, .npz) and tables (.csv, .txt, .parquet) are read into memory; an .npy file or a
folder of images may stay on disk (`models.blocks.ondisk_array`). Data that no model can
be trained on raise `models.data.errors.DataError`, which says what to change.

Of the project this package imports `models.blocks.ondisk_array`, and of the root
`models.suppress_output` and `models.deprecated`.
"""

from models.data.dataset import Dataset, check_enough_rows, check_unit_interval
from models.data.loading import load

__all__ = ["Dataset", "check_enough_rows", "check_unit_interval", "load"]
