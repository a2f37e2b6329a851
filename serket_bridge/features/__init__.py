"""Counts of codes in images and in sounds: observations of an `MLDA`.

Local vectors of the data, of the places of an image or the frames of a sound, are
numbered by the nearest of the centres that k-means finds, the codes; an image or a
sound is the histogram of its codes, or of their pairs.

`images.py` and `sounds.py` have one class each, `kmeans_codes.py` what they share. This
room imports the checks and files of `serket_bridge`, and no module of it.
"""

from serket_bridge.features.images import BagOfVisualWords
from serket_bridge.features.sounds import AcousticCooccurrences

__all__ = ["AcousticCooccurrences", "BagOfVisualWords"]
