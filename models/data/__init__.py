"""Data sets: built-in ones, and arrays, tables and folders of images of the user.

`load(source)` returns a `Dataset`: the values as they are stored, labels as integer
codes, and a `Preprocessing` that makes x, float32, of them. It is decided on the
training data, stored with a run, and applied to all data that the run is given later:
`load(source, preprocessing=...)`.

    source -> loading -> tables, files, image_folders, builtin_datasets
                      -> features, columns: a table's columns become entries of x
                      -> checks, preprocessing -> Dataset

Tables (.csv, .tsv, .txt, .xlsx, .parquet) are read as people have them: `text_tables`
finds encoding and separator, `layout` titles, names and totals, `columns` numbers,
dates and categories; `Dataset.describe` says what was done. An .npy file or a folder
of images may stay on disk (`models.blocks.ondisk_array`). Data that no model can be
trained on raise `models.data.errors.DataError`, which says what to change.

Of the project this package imports `models.blocks.ondisk_array`, and of the root
`models.suppress_output` and `models.deprecated`.
"""

from models.data.dataset import (
    Dataset,
    check_counts,
    check_enough_rows,
    check_unit_interval,
)
from models.data.loading import has_test_data, load

__all__ = [
    "Dataset",
    "check_counts",
    "check_enough_rows",
    "check_unit_interval",
    "has_test_data",
    "load",
]
