"""Codes of vectors by k-means, and how often each row has each code."""

from pathlib import Path

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.metrics import pairwise_distances_argmin

from serket_bridge.checks import require
from serket_bridge.files import read_arrays, write_arrays

N_VECTORS = 50_000  # that codes are fitted to


class Features:
    """The base class: `fit` finds the codes, `transform` counts them.

    Attributes:
        codebooks: the codes of each kind of vectors, (n_codes, dim); `None` before.
    """

    codebooks = None

    def fit(self, data) -> "Features":
        """Finds the codes; returns this object."""
        raise NotImplementedError

    def transform(self, data) -> np.ndarray:
        """The counts of each row of the data, (n, n_features) int."""
        raise NotImplementedError

    def fit_transform(self, data) -> np.ndarray:
        """`fit`, then `transform`."""
        return self.fit(data).transform(data)

    def save(self, path: str | Path) -> None:
        """Writes the codes to an `.npz`."""
        books = self.check_fitted()
        write_arrays(Path(path), {str(i): book for i, book in enumerate(books)})

    def load(self, path: str | Path) -> "Features":
        """Reads what `save` wrote; returns this object."""
        books = read_arrays(Path(path))
        self.codebooks = [books[str(i)] for i in range(len(books))]
        return self

    def check_fitted(self) -> list[np.ndarray]:
        """The codebooks; RuntimeError if there are none."""
        rule = f"{type(self).__name__} has no codes yet: call fit first"
        require(self.codebooks is not None, rule, error=RuntimeError)
        return self.codebooks


def fit_codes(vectors: np.ndarray, n_codes: int, seed: int) -> np.ndarray:
    """The centres of k-means, (n_codes, dim), of vectors, (n, dim)."""
    rule = f"there must be at least {n_codes} vectors for as many codes"
    require(len(vectors) >= n_codes, rule, len(vectors))
    kmeans = MiniBatchKMeans(n_codes, random_state=seed, n_init=3)
    return kmeans.fit(vectors).cluster_centers_


def nearest_codes(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The number of the nearest centre of each vector, (n,) int."""
    rule = f"vectors must have {centres.shape[1]} entries, as those of the codes"
    require(vectors.shape[1] == centres.shape[1], rule, vectors.shape[1])
    return pairwise_distances_argmin(vectors, centres)


def histograms(rows: np.ndarray, codes: np.ndarray, shape: tuple) -> np.ndarray:
    """How often each row has each code, `shape` (n_rows, n_codes) int."""
    counts = np.bincount(rows * shape[1] + codes, minlength=shape[0] * shape[1])
    return counts.reshape(shape)
