"""Counts of pairs of codes in sounds."""

import numpy as np
from scipy.signal import savgol_filter

from models.checks import check_integers
from serket_bridge.checks import require
from serket_bridge.features.kmeans_codes import (
    N_VECTORS,
    Features,
    fit_codes,
    histograms,
    nearest_codes,
)


class AcousticCooccurrences(Features):
    """How often two codes follow one another in a sound (HAC; Van hamme 2008).

    A sound is given as its frames, such as 13 mel-frequency cepstral coefficients of
    each 10 ms. The frames and their first and second differences are three streams,
    each with its own codes q. For each stream and each lag, feature q_t K + q_(t-lag)
    counts the pairs of codes at this distance, as in Serket.

    Args:
        n_codes: K of each stream; one number for each of them, at most three.
        lags: distances of frames.
        seed: of the frames that the codes are fitted to, and of k-means.
    """

    def __init__(self, n_codes=(20, 20, 20), lags=(5, 2), *, seed: int = 0):
        self.n_codes = check_integers("n_codes", n_codes)
        self.lags, self.seed = check_integers("lags", lags), seed
        rule = "n_codes must have at most three numbers, of frames and two differences"
        require(len(self.n_codes) <= 3, rule, n_codes)

    def streams(self, sounds) -> tuple[np.ndarray, list[np.ndarray]]:
        """(the sound of each frame, (n_frames,); vectors of each stream).

        sounds: arrays of frames, (n_frames_i, dim) each.
        """
        sounds = [np.asarray(sound, np.float64) for sound in sounds]
        shapes = {sound.shape[1:] for sound in sounds}
        rule = "sounds must be arrays of frames, (n_frames, dim), of one dim"
        is_valid = len(shapes) == 1 and all(s.ndim == 2 and len(s) for s in sounds)
        require(is_valid, rule, [sound.shape for sound in sounds][:5])
        streams = [sounds]
        for _ in self.n_codes[1:]:
            streams.append([differences(sound) for sound in streams[-1]])
        rows = np.repeat(np.arange(len(sounds)), [len(sound) for sound in sounds])
        return rows, [np.concatenate(stream) for stream in streams]

    def fit(self, sounds) -> "AcousticCooccurrences":
        rng, streams = np.random.default_rng(self.seed), self.streams(sounds)[1]
        n = len(streams[0])
        drawn = rng.choice(n, min(n, N_VECTORS), replace=False)
        pairs = zip(streams, self.n_codes, strict=True)
        self.codebooks = [fit_codes(each[drawn], k, self.seed) for each, k in pairs]
        return self

    def transform(self, sounds) -> np.ndarray:
        codebooks, counts = self.check_fitted(), []
        rows, streams = self.streams(sounds)
        for vectors, centres in zip(streams, codebooks, strict=True):
            codes, k = nearest_codes(vectors, centres), len(centres)
            for lag in self.lags:
                is_pair = rows[lag:] == rows[:-lag]
                pairs = (codes[lag:] * k + codes[:-lag])[is_pair]
                shape = len(sounds), k * k
                counts.append(histograms(rows[lag:][is_pair], pairs, shape))
        return np.concatenate(counts, axis=1)


def differences(frames: np.ndarray) -> np.ndarray:
    """The slope of each coefficient over five frames, (n_frames, dim)."""
    return savgol_filter(frames, 5, 1, deriv=1, axis=0, mode="nearest")
