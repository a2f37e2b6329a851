"""Labels that floating-point numbers would round."""

import numpy as np
import pytest

from models.data.labels import encode_labels

LARGE = [2**63, 2**64 - 1, 2**63 + 1, 2**63]


@pytest.mark.parametrize(
    "raw",
    [
        np.array(list(map(str, LARGE))),  # of a CSV
        np.array(LARGE, np.uint64),
        np.array([str(10 * label) for label in LARGE]),
        np.array([1e20, 3e20, 2e20, 1e20]),
        np.array(["9007199254740993", "9007199254740995.0", "9007199254740994", "x"]),
    ],
)
def test_large_labels_stay_apart(raw):
    codes, names = encode_labels(raw, "labels")
    expected = len(set(raw.tolist()))  # by Python's comparison
    assert len(np.unique(codes)) == len(names) == expected
    for code, value in zip(codes, raw.tolist(), strict=True):
        assert names[code] == str(value)
