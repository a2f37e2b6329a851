"""Counts of codes in images and sounds: by loops, and as modalities of an MLDA."""

import keras
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

import serket_bridge as srk
from serket_bridge.features import (
    AcousticCooccurrences,
    BagOfVisualWords,
    images,
)
from serket_bridge.features.sounds import differences
from serket_bridge.scores import matching_accuracy


@pytest.fixture(scope="module")
def network():
    """An untrained network of two convolutions, always the same."""
    make = {"activation": "relu", "padding": "same", "strides": 2}
    kernels = [keras.initializers.GlorotUniform(seed) for seed in (1, 2)]
    layers = [
        keras.Input((16, 16, 1)),
        keras.layers.Conv2D(8, 3, kernel_initializer=kernels[0], name="first", **make),
        keras.layers.Conv2D(
            12, 3, kernel_initializer=kernels[1], name="second", **make
        ),
    ]
    return keras.Sequential(layers)


@pytest.fixture(scope="module")
def textures():
    """60 images of stripes in three directions, at random phases; the directions."""
    rng, labels = np.random.default_rng(0), np.arange(60) % 3
    y, x = np.mgrid[:16, :16]
    waves = [[y], [x], [x + y]]
    phases = rng.integers(4, size=60)
    pairs = zip(labels, phases, strict=True)
    found = [np.sin(0.4 * np.pi * (waves[k][0] + p)) for k, p in pairs]
    noise = 0.1 * rng.standard_normal((60, 16, 16))
    return (np.stack(found) + noise)[..., None], labels


@pytest.fixture(scope="module")
def sounds():
    """40 sounds of two words, the same frames forward and backward; the words."""
    rng, labels = np.random.default_rng(0), np.arange(40) % 2
    path = 3 * rng.normal(size=(8, 4))
    found = []
    for k in labels:
        repeated = np.repeat(path[::-1] if k else path, rng.integers(4, 6, 8), axis=0)
        found.append(repeated + 0.2 * rng.standard_normal(repeated.shape))
    return found, labels


# --- Images ---------------------------------------------------------------------------


@pytest.mark.parametrize("layer, n_places", [("first", 64), (None, 16)])
def test_an_image_is_the_histogram_of_its_nearest_codes(
    network, textures, layer, n_places
):
    some = textures[0][:7]
    bag = BagOfVisualWords(network, 5, layer=layer, batch_size=3)
    counts = bag.fit_transform(some)
    name = layer or "second"
    cut = keras.Model(network.inputs, network.get_layer(name).output)
    maps = np.asarray(cut.predict(some, verbose=0))
    for i, one in enumerate(maps):
        vectors = one.reshape(-1, one.shape[-1])
        codes = cdist(vectors, bag.codebooks[0]).argmin(axis=1)
        np.testing.assert_array_equal(counts[i], np.bincount(codes, minlength=5))
    assert counts.sum(axis=1).tolist() == [n_places] * 7


def test_the_codes_are_those_of_k_means(network, textures):
    """The sum of squared distances is close to that of many starts of k-means."""
    bag = BagOfVisualWords(network, 6).fit(textures[0])
    vectors = np.concatenate(
        [part.reshape(-1, 12) for part in bag.vectors(textures[0])]
    )
    found = (cdist(vectors, bag.codebooks[0]).min(axis=1) ** 2).sum()
    best = KMeans(6, n_init=10, random_state=0).fit(vectors).inertia_
    assert best * 0.99 < found < best * 1.2


def test_a_sample_of_the_places_is_enough(network, textures, monkeypatch):
    monkeypatch.setattr(images, "N_VECTORS", 300)  # five places of each image
    counts = BagOfVisualWords(network, 8).fit_transform(textures[0])
    assert counts.shape == (60, 8) and (counts.sum(axis=0) > 0).all()


def test_an_mlda_finds_the_textures(network, textures):
    x, labels = textures
    counts = BagOfVisualWords(network, 12, layer="first").fit_transform(x)
    obs, mlda = srk.Observation(counts), srk.MLDA(3, itr=40, n_init=5, seed=0)
    mlda.connect(obs)
    srk.MessageLoop([obs, mlda]).run(1, verbose=False)
    assert matching_accuracy(labels, mlda.classes) > 0.9


# --- Sounds ---------------------------------------------------------------------------


def test_pairs_are_counted_as_in_a_loop(sounds):
    """Streams, then lags; feature q[t] K + q[t - lag], as Serket has them."""
    some = sounds[0][:6]
    hac = AcousticCooccurrences((3, 4, 2), (5, 1))
    counts = hac.fit_transform(some)
    assert counts.shape == (6, 2 * (9 + 16 + 4))
    for i, sound in enumerate(some):
        expected, stream = [], sound
        for codes in hac.codebooks:
            q, k = cdist(stream, codes).argmin(axis=1), len(codes)
            for lag in (5, 1):
                pairs = np.zeros(k * k, int)
                for t in range(lag, len(q)):
                    pairs[q[t] * k + q[t - lag]] += 1
                expected.append(pairs)
            stream = differences(stream)
        np.testing.assert_array_equal(counts[i], np.concatenate(expected))


def test_differences_are_slopes_over_five_frames(rng):
    frames = np.stack([3.0 * np.arange(9), rng.normal(size=9)], axis=1)
    found = differences(frames)
    np.testing.assert_allclose(found[2:-2, 0], 3)
    for t in range(2, 7):
        slope = np.polyfit(np.arange(5), frames[t - 2 : t + 3, 1], 1)[0]
        assert found[t, 1] == pytest.approx(slope)
    assert differences(frames[:2]).shape == (2, 2)


def test_sounds_shorter_than_a_lag_have_no_pairs(sounds):
    hac = AcousticCooccurrences((3,), (5, 2)).fit(sounds[0])
    counts = hac.transform([sounds[0][0][:4], sounds[0][1][:2], sounds[0][2]])
    assert counts.shape == (3, 18)
    assert counts[0].sum() == 2 and counts[1].sum() == 0


def test_the_order_of_frames_tells_words_apart(sounds):
    """Both words have the same codes equally often; their pairs differ."""
    arrays, labels = sounds
    hac = AcousticCooccurrences((8,), (5, 2))
    counts = hac.fit_transform(arrays)
    pairs = counts[:, 64:].reshape(40, 8, 8)  # of the lag 2
    words = [pairs[labels == k].sum(axis=0) / pairs[labels == k].sum() for k in (0, 1)]
    codes = [(word.sum(axis=0) + word.sum(axis=1)) / 2 for word in words]
    assert np.abs(codes[0] - codes[1]).sum() < 0.15
    assert np.abs(words[0] - words[1]).sum() > 0.8
    obs, mlda = srk.Observation(counts), srk.MLDA(2, itr=40, n_init=5, seed=0)
    mlda.connect(obs)
    srk.MessageLoop([obs, mlda]).run(1, verbose=False)
    assert matching_accuracy(labels, mlda.classes) == 1


def test_the_same_sounds_with_other_codebooks_of_one_seed_are_the_same(sounds):
    one, two, three = (
        AcousticCooccurrences((4, 4, 4), seed=seed).fit_transform(sounds[0])
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert np.any(one != three)


# --- Codes are saved ------------------------------------------------------------------


def test_new_data_have_the_codes_of_the_first(network, textures, sounds, tmp_path):
    pairs = [
        (BagOfVisualWords(network, 5), BagOfVisualWords(network, 5), textures[0]),
        (AcousticCooccurrences((3, 2)), AcousticCooccurrences((3, 2)), sounds[0]),
    ]
    for first, other, data in pairs:
        counts = first.fit_transform(data[:30])
        first.save(tmp_path / "codes.npz")
        found = other.load(tmp_path / "codes.npz").transform(data[10:40])
        np.testing.assert_array_equal(found[:20], counts[10:])


# --- What is refused ------------------------------------------------------------------


def test_codes_are_needed_first(network, textures, tmp_path):
    bag = BagOfVisualWords(network, 5)
    with pytest.raises(
        RuntimeError, match="BagOfVisualWords has no codes yet: call fi"
    ):
        bag.transform(textures[0])
    with pytest.raises(RuntimeError, match="call fit first"):
        bag.save(tmp_path / "codes.npz")


def test_wrong_layers_and_data_are_refused(network, textures, sounds):
    output = keras.layers.Flatten(name="flat")(network.outputs[0])
    flat = keras.Model(network.inputs, output)
    with pytest.raises(
        ValueError, match=r"layer flat must return \(n, height.*\(None,"
    ):
        BagOfVisualWords(flat, 5).fit(textures[0])
    with pytest.raises(ValueError, match="at least 100 vectors for as many codes.*16"):
        BagOfVisualWords(network, 100).fit(textures[0][:1])
    hac = AcousticCooccurrences((3,)).fit(sounds[0])
    with pytest.raises(ValueError, match="vectors must have 4 entries.* Received: 2"):
        hac.transform([sound[:, :2] for sound in sounds[0]])
    for wrong in (
        [np.zeros(5)],
        [np.zeros((0, 3))],
        [np.zeros((4, 2)), np.zeros((4, 3))],
    ):
        with pytest.raises(ValueError, match="sounds must be arrays of frames"):
            hac.transform(wrong)


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: AcousticCooccurrences((2, 2, 2, 2)), "at most three numbers"),
        (lambda: AcousticCooccurrences((2,), (0,)), "lags must be made of integers >="),
        (lambda: BagOfVisualWords(None, 0), "n_codes must be an integer >= 1"),
        (lambda: BagOfVisualWords(None, batch_size=0), "batch_size must be an integer"),
    ],
)
def test_arguments_are_checked(make, error):
    with pytest.raises(ValueError, match=error):
        make()
