"""Counts of the codes in images."""

import numpy as np

from models.checks import check_integer
from serket_bridge.checks import require
from serket_bridge.features.kmeans_codes import (
    N_VECTORS,
    Features,
    fit_codes,
    histograms,
    nearest_codes,
)


class BagOfVisualWords(Features):
    """How often each code occurs in an image (Csurka et al. 2004).

    The vectors of an image are the outputs of a convolutional network at each place.

    Args:
        network: a `keras.Model`, such as one of `keras.applications` with the weights
            that you have and `include_top=False`.
        n_codes: the number of codes, and of features.
        layer: the name of the layer whose outputs, (n, height, width, channels), are
            the vectors; `None` is the last one.
        batch_size: images that the network takes at a time.
        seed: of the vectors that the codes are fitted to, and of k-means.
    """

    def __init__(
        self,
        network,
        n_codes: int = 100,
        *,
        layer: str | None = None,
        batch_size: int = 32,
        seed: int = 0,
    ):
        self.n_codes = check_integer("n_codes", n_codes)
        self.batch_size = check_integer("batch_size", batch_size)
        self.network, self.layer, self.seed = network, layer, seed

    def vectors(self, images):
        """The vectors of images, (n, height, width, channels), for a batch at a time.

        Yields:
            (n_batch, n_places, dim).
        """
        import keras

        layers = self.network.layers
        last = self.network.get_layer(self.layer) if self.layer else layers[-1]
        network = keras.Model(self.network.inputs, last.output)
        rule = f"the layer {last.name} must return (n, height, width, channels)"
        require(len(network.output_shape) == 4, rule, network.output_shape)
        for first in range(0, len(images), self.batch_size):
            batch = np.asarray(images[first : first + self.batch_size], np.float32)
            maps = network.predict_on_batch(batch)
            yield maps.reshape(len(batch), -1, maps.shape[-1])

    def fit(self, images) -> "BagOfVisualWords":
        rng, per_image = np.random.default_rng(self.seed), N_VECTORS // len(images)
        sample = []
        for vectors in self.vectors(images):
            n_places = vectors.shape[1]
            n_drawn = min(n_places, max(1, per_image))
            places = np.tile(np.arange(n_places), (len(vectors), 1))
            places = rng.permuted(places, axis=1)
            drawn = np.take_along_axis(vectors, places[:, :n_drawn, None], axis=1)
            sample.append(drawn.reshape(-1, vectors.shape[-1]))
        self.codebooks = [fit_codes(np.concatenate(sample), self.n_codes, self.seed)]
        return self

    def transform(self, images) -> np.ndarray:
        (centres,) = self.check_fitted()
        counts = []
        for vectors in self.vectors(images):
            rows = np.repeat(np.arange(len(vectors)), vectors.shape[1])
            codes = nearest_codes(vectors.reshape(-1, vectors.shape[-1]), centres)
            counts.append(histograms(rows, codes, (len(vectors), len(centres))))
        return np.concatenate(counts)
