"""Faults of Serket's modules and of its accuracy that must not return.

The numbers are the sections of the list of faults: 1.1 Module, 1.12 calc_acc.
"""

import itertools
import random

import numpy as np
import pytest
from scipy import stats

import serket_bridge as srk
from serket_bridge import GMM, VAE, Gaussian, MessageLoop, Module, Observation
from serket_bridge.inference.em import EM, GaussianMixture

N = 24
QUICK = EM(n_init=2)
LINE = GaussianMixture(np.full(2, 0.5), np.array([[-1.0], [1.0]]), np.ones((2, 1, 1)))


class Relay(Module):
    """Sends its input forward."""

    input_message = object

    def send(self):
        (self.forward,) = self.inputs()


@pytest.fixture
def x(rng):
    return rng.random((N, 3))


@pytest.fixture
def ready(rng):
    """A GMM whose parameters are those of LINE, and its N latents."""
    gmm = GMM(2, mode="recog", seed=0)
    gmm.mixture, gmm.learned = LINE, True
    z = rng.normal(size=(N, 1))
    gmm.connect(Observation(z))
    return gmm, z


def build(x):
    """Serket's model of two modules, in no loop."""
    observation, vae = Observation(x), VAE(2, itr=1, seed=1, verbose=False)
    gmm = GMM(2, inference=QUICK, seed=2, verbose=False)
    vae.connect(observation)
    gmm.connect(vae)
    return vae, gmm


# --- 1.1 (a) to (c): connections ------------------------------------------------------


def test_1_1a_two_upper_modules_are_a_product_and_the_later_overwrites_none(x):
    """N(m_1, I) times N(m_2, I) is N((m_1 + m_2) / 2, I / 2)."""
    vae, first = build(x)
    second = GMM(3, name="second", inference=QUICK, seed=3, verbose=False)
    second.connect(vae)
    for module in (vae, first, second):
        module.update()
    inputs = vae.training_inputs(x)
    means = [gmm.mixture.means[gmm.classes] for gmm in (first, second)]
    assert not np.allclose(*means)
    np.testing.assert_allclose(inputs["prior_mean"], np.mean(means, axis=0))
    np.testing.assert_array_equal(inputs["prior_precision"], 2.0)


def test_1_1b_a_module_without_connection_is_named():
    for module in (VAE(2, name="eye"), GMM(2, name="eye")):
        with pytest.raises(RuntimeError, match=r"eye is not connected: call eye\.conn"):
            module.update()


def test_1_1c_an_update_in_the_wrong_order_names_both_modules(x):
    vae, gmm = build(x)
    with pytest.raises(RuntimeError, match="gmm was updated before vae"):
        gmm.update()
    with pytest.raises(ValueError, match="gmm is connected to vae, which must come"):
        MessageLoop([*vae.parents, gmm, vae])


def test_1_1c_a_cycle_names_both_modules_and_is_not_made():
    lowest, middle, top = (Relay(name) for name in ("lowest", "middle", "top"))
    middle.connect(lowest)
    top.connect(middle)
    with pytest.raises(ValueError, match="lowest cannot be connected to top: .* cycle"):
        lowest.connect(top)
    with pytest.raises(ValueError, match="top cannot be connected to top: .* cycle"):
        top.connect(top)
    assert lowest.parents == ()
    assert top.parents == (middle,)


def test_1_1c_messages_of_a_connection_end_with_it(send_message):
    """Serket has no reset of messages."""
    lower, other = Relay("lower"), Relay("other")
    upper = send_message(lower, np.full((N, 2), 3.0), np.ones((N, 2)))
    nothing = Gaussian.standard(N, 2)
    assert lower.backward_message(nothing) is not nothing
    upper.connect(other)
    assert lower.backward_message(nothing) is nothing


# --- 1.1 (d) to (f): folders, messages, seeds -----------------------------------------


def test_1_1d_the_same_model_built_twice_writes_to_the_same_folders(x, tmp_path):
    with srk.output_dir(tmp_path):
        for _ in range(2):
            for module in build(x):
                module.update()
    folders = {path.name for path in tmp_path.iterdir()}
    assert folders == {"module001_vae", "module002_gmm"}
    assert srk.load(tmp_path).recognize(x).classes.shape == (N,)


def test_1_1e_messages_of_a_wrong_shape_are_refused_naming_both_modules(
    ready, send_message, x
):
    gmm, _ = ready
    send_message(gmm, np.zeros((N, 3)), name="words")
    with pytest.raises(ValueError, match=r"gmm expects .*\(24, 2\) from words.*24, 3"):
        gmm.update()
    vae, _ = build(x)
    send_message(vae, np.zeros((N - 1, 2)), np.ones((N - 1, 2)), name="words")
    with pytest.raises(ValueError, match=r"vae expects .*\(24, 2\) from words.*23, 2"):
        vae.update()


def test_1_1e_messages_are_normalised_and_no_probability_is_nan(
    ready, send_message, rng
):
    gmm, z = ready
    weights = rng.gamma(1.0, 50.0, size=(N, 2))
    send_message(gmm, np.log(weights))
    gmm.update()
    joint = weights * stats.norm.pdf(z, [-1.0, 1.0])
    expected = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gmm.responsibilities, expected, rtol=1e-6)
    for row in ([0.0, np.nan], [-np.inf, -np.inf]):
        with pytest.raises(ValueError, match="log_prob must be numbers"):
            send_message(gmm, np.array([row]))


def test_1_1f_the_same_seeds_give_the_same_result_whatever_the_state(make_loop, same):
    loops = []
    for state in (1, 2):
        random.seed(state)
        np.random.seed(state)
        loops.append(make_loop())
        loops[-1].run(2, verbose=False)
    same(*loops)


def test_1_1f_without_seeds_pythons_own_decides(x):
    draws = []
    for state in (1, 1, 2):
        random.seed(state)
        np.random.seed(len(draws))
        vae = VAE(2)
        vae.prepare(x)
        draws.append([vae.model.get_weights()[0], vae.rng.random(9)])
    weights, noise = zip(*draws, strict=True)
    for one, same, other in (weights, noise):
        np.testing.assert_array_equal(one, same)
        assert not np.allclose(one, other)


# --- 1.12: accuracy -------------------------------------------------------------------


def best_of_all_matchings(labels, classes):
    """The share of agreement, by trying every one-to-one matching."""
    few, many = sorted((set(labels), set(classes)), key=len)
    pairs = list(zip(labels, classes, strict=True))
    if few != set(labels):
        pairs = [(b, a) for a, b in pairs]
    matchings = itertools.permutations(many, len(few))
    agreed = (
        sum(dict(zip(few, m, strict=True))[a] == b for a, b in pairs) for m in matchings
    )
    return max(agreed) / len(pairs)


def accuracy(labels, classes):
    gmm = GMM(8, category=labels)
    gmm.classes = np.asarray(classes)
    return gmm.accuracy


def test_1_12_accuracy_is_the_best_of_all_matchings(rng):
    """Greedy swaps of two names get less in about one case in fifteen."""
    for _ in range(60):
        labels, classes = (rng.integers(rng.integers(2, 6), size=12) for _ in range(2))
        expected = best_of_all_matchings(labels.tolist(), classes.tolist())
        assert accuracy(labels, classes) == pytest.approx(expected)


def test_1_12_names_of_clusters_may_exceed_the_number_of_classes():
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert accuracy(labels, [5, 5, 5, 7, 7, 7]) == 1.0
    assert accuracy(labels, [7, 7, 6, 5, 5, 5]) == pytest.approx(5 / 6)
    assert accuracy(labels, [3, 3, 3, 3, 3, 3]) == pytest.approx(3 / 6)
