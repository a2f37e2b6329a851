"""What the tests of broken tables share: dates, gaps, reading, checks."""

import datetime

import numpy as np

from models.data import load

NAN = float("nan")
DATE = datetime.datetime(2021, 3, 1)
DAY = DATE.toordinal() - datetime.date(1970, 1, 1).toordinal()


def check(dataset, values, sentences):
    """`values`: name -> the entries of x, NaN where an empty cell became the mean."""
    x = dict(zip(dataset.columns, dataset.x.T.tolist(), strict=True))
    assert list(x) == list(values)
    for name, expected in values.items():
        expected = np.array(expected, float)
        expected = np.where(np.isnan(expected), np.nanmean(expected), expected)
        np.testing.assert_allclose(x[name], expected, rtol=1e-6, err_msg=name)
    for sentence in sentences:
        assert sentence in dataset.describe()


def read_text(folder, content, **options):
    """The data set of a .csv with this text, or these bytes."""
    path = folder / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load(path, **options)
