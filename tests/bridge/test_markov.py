"""The Markov chain as a module: messages and evidence by sums over all paths."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import serket_bridge as srk
from serket_bridge import markov
from serket_bridge.inference.em import EM, GaussianMixture
from tests.bridge.markov_paths import LENGTHS, enumerate_sequences

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "serket_hmm.npz"


class Below(srk.Module):
    """Sends class probabilities forward, always the same."""

    output_message = srk.Categorical

    def __init__(self, log_prob, name="below"):
        super().__init__(name)
        self.forward, self.learned = srk.Categorical(log_prob), True

    def send(self):
        """The message never changes."""


def make(log_prob, **options):
    module = markov.Markov(**{"seed": 0, "lengths": LENGTHS} | options)
    module.connect(Below(log_prob))
    return module


@pytest.fixture
def log_prob(rng):
    return srk.Categorical(2 * rng.normal(size=(LENGTHS.sum(), 3))).log_prob


def test_smoothing_message_excludes_the_step_that_it_is_for(log_prob):
    """Of each row the message is the smoothed class if that row says nothing."""
    module = make(log_prob)
    module.update()
    for row in range(len(log_prob)):
        silent = log_prob.copy()
        silent[row] = 0
        expected, *_ = enumerate_sequences(module.chain, silent, LENGTHS)
        np.testing.assert_allclose(module.prior.prob[row], expected[row])
    smoothed, *_, log_p = enumerate_sequences(module.chain, log_prob, LENGTHS)
    np.testing.assert_allclose(module.responsibilities, smoothed)
    np.testing.assert_allclose(module.forward.prob, smoothed)
    np.testing.assert_array_equal(module.classes, smoothed.argmax(axis=1))
    # the module below counts as p(c_t | x_t) = p(x_t | c_t) / K
    bound = (log_p.sum() + len(log_prob) * np.log(3)) / len(log_prob)
    assert module.metrics["bound"] == pytest.approx(bound)


def test_transition_message_is_serkets_step_by_step(log_prob):
    module = make(log_prob, message=markov.transition_message, itr=0, num_samp=7)
    module.update()
    f = np.exp(log_prob)
    initial, counts = np.full(3, 0.1 / 7), np.full((3, 3), 0.1 / 7)
    starts = np.cumsum(LENGTHS) - LENGTHS
    for n in range(len(f)):
        if n in starts:
            initial += f[n]
        else:
            counts += np.outer(f[n - 1], f[n])
    matrix = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(module.chain.transition_matrix, matrix)
    for n in range(len(f)):
        expected = initial / initial.sum() if n in starts else f[n - 1] @ matrix
        np.testing.assert_allclose(module.prior.prob[n], expected)
        product_ = expected * f[n]
        np.testing.assert_allclose(
            module.responsibilities[n], product_ / product_.sum()
        )


@pytest.mark.parametrize(
    "message", [markov.smoothing_message, markov.transition_message]
)
def test_a_message_from_above_is_evidence_and_is_not_sent_back(
    log_prob, rng, send_message, message
):
    module = make(log_prob, message=message, itr=0)
    above = srk.Categorical(rng.normal(size=log_prob.shape)).log_prob
    child = send_message(module, above)
    module.update()
    with_all = srk.Categorical(log_prob + above)
    if message is markov.smoothing_message:
        smoothed, *_ = enumerate_sequences(module.chain, with_all.log_prob, LENGTHS)
        np.testing.assert_allclose(module.responsibilities, smoothed)
    np.testing.assert_allclose(
        (module.forward * child.message).prob, module.responsibilities
    )
    np.testing.assert_allclose(
        (module.prior * module.parents[0].forward).prob, module.responsibilities
    )


def enumerate_mixture(mixture, z, chain, lengths):
    """log p(z) of the hidden Markov model, and p(c_t | z), by all paths."""
    log_density = np.stack(
        [
            stats.multivariate_normal(mean, np.linalg.inv(L)).logpdf(z)
            for mean, L in zip(mixture.means, mixture.precisions, strict=True)
        ],
        axis=1,
    )
    smoothed, *_, log_p = enumerate_sequences(chain, log_density, lengths)
    return log_p.sum(), smoothed


@pytest.mark.parametrize(
    "message", [markov.smoothing_message, markov.transition_message]
)
@pytest.mark.parametrize("itr", [0, 20])
def test_the_bound_of_mixture_and_chain_is_log_p(overlapping, message, itr):
    """Whatever the message: the weights of the mixture have no part in it."""
    z, lengths = overlapping[:18], [5, 1, 7, 5]
    obs, gmm = srk.Observation(z), srk.GMM(3, inference=EM(n_init=2), seed=0)
    mm = srk.Markov(lengths=lengths, message=message, itr=itr, seed=0)
    gmm.connect(obs)
    mm.connect(gmm)
    loop = srk.MessageLoop([obs, gmm, mm])
    loop.run(3, verbose=False)
    log_p, smoothed = enumerate_mixture(gmm.mixture, z, mm.chain, lengths)
    assert loop.rows[-1]["elbo"] == pytest.approx(log_p / len(z))
    if message is markov.smoothing_message:
        np.testing.assert_allclose(mm.responsibilities, smoothed, atol=1e-9)
        gmm.send()  # it reads the message of the chain
        np.testing.assert_allclose(gmm.responsibilities, smoothed, atol=1e-9)


def test_above_a_message_from_above_the_bound_has_its_factor(overlapping, send_message):
    z, rng = overlapping[:8], np.random.default_rng(0)
    obs, gmm = srk.Observation(z), srk.GMM(3, inference=EM(n_init=2), seed=0)
    mm = srk.Markov(seed=0)
    gmm.connect(obs)
    mm.connect(gmm)
    b = rng.dirichlet(np.ones(3), 8)
    child = send_message(mm, np.log(b))
    for module in (gmm, mm):
        module.step()
    log_density = gmm.mixture.log_joint(np.float32(z)) - np.log(gmm.mixture.weights)
    *_, log_p = enumerate_sequences(mm.chain, log_density + np.log(3 * b), [8])
    assert gmm.evidence() + mm.evidence() == pytest.approx(log_p.sum() / 8)
    assert child.name == "child"


@pytest.fixture(scope="module")
def circle():
    """600 points of four classes that follow one another, in twelve sequences."""
    rng = np.random.default_rng(1)
    labels = np.arange(600) % 4
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    return centres[labels] + 0.35 * rng.normal(size=(600, 2)), labels


def circle_loop(x, lengths=(50,) * 12, **options):
    obs, gmm = srk.Observation(x), srk.GMM(4, inference=EM(n_init=2), seed=0)
    mm = srk.Markov(lengths=lengths, seed=0, **options)
    gmm.connect(obs)
    mm.connect(gmm)
    return srk.MessageLoop([obs, gmm, mm])


def test_the_chain_resolves_classes_that_overlap(circle):
    x, labels = circle
    loop = circle_loop(x)
    rows = loop.run(5, labels, verbose=False)
    alone = srk.scores.matching_accuracy(labels, classes_of_mixture_alone(x))
    assert alone < 0.9 and rows[-1]["accuracy"] > 0.99
    assert np.diff([row["elbo"] for row in rows]).min() > -1e-3
    matrix = loop["mm"].chain.transition_matrix
    assert np.sort(matrix, axis=None)[-4:].min() > 0.95


def classes_of_mixture_alone(x):
    obs, gmm = srk.Observation(x), srk.GMM(4, inference=EM(n_init=2), seed=0)
    gmm.connect(obs)
    srk.MessageLoop([obs, gmm]).run(1, verbose=False)
    return gmm.classes


def test_new_sequences_are_recognised_with_their_lengths(circle):
    x, labels = circle
    loop = circle_loop(x)
    loop.run(3, verbose=False)
    again = loop.recognize(x)
    np.testing.assert_array_equal(again["mm"].classes, loop["mm"].classes)
    with pytest.raises(
        ValueError, match="mm: lengths must add up to the 90 rows of gm"
    ):
        loop.recognize(x[:90])
    before = loop["mm"].chain
    loop["mm"].lengths = [50, 40]
    new = loop.recognize(x[:90])
    assert new["mm"].chain is before and loop["mm"].chain is before
    assert srk.scores.matching_accuracy(labels[:90], new["mm"].classes) > 0.98


# --- Files, saving, refusals ----------------------------------------------------------


def test_update_writes_serkets_files_and_recog_reads_them(circle, tmp_path):
    x, labels = circle
    obs, gmm, mm = circle_loop(x).modules
    with srk.output_dir(tmp_path):
        for _ in range(2):
            gmm.update()
            mm.update()
        folder = tmp_path / "module002_mm"
        message = np.loadtxt(folder / "msg_learn.txt")
        np.testing.assert_array_equal(message, mm.prior.prob)
        matrix = np.loadtxt(folder / "trans_prob_learn.txt")
        np.testing.assert_array_equal(matrix, mm.chain.transition_matrix)

        obs, gmm = srk.Observation(x[:100]), srk.GMM(4, mode="recog")
        mm = srk.markov.MarkovModel(mode="recog", lengths=[50, 50])
        gmm.connect(obs)
        mm.connect(gmm)
        for _ in range(2):
            gmm.update()
            mm.update()
        np.testing.assert_array_equal(mm.chain.transition_matrix, matrix)
        assert (folder / "msg_recog.txt").exists()
    assert srk.scores.matching_accuracy(labels[:100], mm.classes) > 0.98
    np.testing.assert_array_equal(mm.classes, gmm.classes)


def test_recog_without_a_folder_is_a_sentence(log_prob):
    with pytest.raises(ValueError, match="mm has learned nothing yet"):
        make(log_prob, mode="recog").update()


@pytest.mark.parametrize(
    "message", [markov.smoothing_message, markov.transition_message]
)
def test_a_loop_continues_to_the_same_bits(circle, tmp_path, message):
    x, _ = circle
    whole, half = (circle_loop(x[:300], [150, 150], message=message) for _ in range(2))
    whole.run(3, verbose=False)
    half.run(2, folder=tmp_path, verbose=False)
    loaded = srk.load(tmp_path, data=np.float32(x[:300]))
    loaded.run(3, folder=tmp_path, verbose=False)
    assert loaded["mm"].lengths == [150, 150] and loaded["mm"].message is message
    one, other = whole["mm"], loaded["mm"]
    np.testing.assert_array_equal(
        one.chain.transition_matrix, other.chain.transition_matrix
    )
    np.testing.assert_array_equal(one.responsibilities, other.responsibilities)
    assert whole.rows[-1]["elbo"] == loaded.rows[-1]["elbo"]
    new = srk.load(tmp_path)
    new["mm"].lengths = None
    assert len(new.recognize(x[:40])["mm"].classes) == 40


def test_other_lengths_are_not_continued(circle, tmp_path):
    x, _ = circle
    circle_loop(x).run(1, folder=tmp_path, verbose=False)
    with pytest.raises(ValueError, match="lengths"):
        circle_loop(x, [300, 300]).run(2, folder=tmp_path, verbose=False)


@pytest.mark.parametrize(
    "options, error",
    [
        ({"lengths": [3, 0]}, "lengths must be an integer >= 1. Received: lengths=0"),
        ({"num_samp": 0}, "num_samp must be an integer >= 1"),
        ({"itr": -1}, "itr must be an integer >= 0"),
    ],
)
def test_arguments_are_checked(options, error):
    with pytest.raises(ValueError, match=error):
        srk.Markov(**options)


def test_wrong_inputs_are_refused_with_both_names(log_prob, rng):
    with pytest.raises(ValueError, match="mm cannot be connected to obs: it takes Cat"):
        srk.Markov().connect(srk.Observation(rng.normal(size=(4, 2))))
    module = make(log_prob, lengths=[7])
    with pytest.raises(ValueError, match="add up to the 16 rows of below. Received: 7"):
        module.update()
    module = make(log_prob)
    module.update()
    module.connect(Below(rng.normal(size=(16, 5)), "other"))
    with pytest.raises(ValueError, match="3 classes, and takes as many from other"):
        module.update()


def test_predict_passes_classes_down(circle):
    loop = circle_loop(circle[0])
    loop.run(1, verbose=False)
    found = loop["mm"].predict([2, 0])
    np.testing.assert_array_equal(found, loop["gmm"].mixture.means[[2, 0]])


def test_a_mixture_with_an_empty_class(rng):
    """Its weight of 0 makes no NaN."""
    mixture = GaussianMixture(
        np.array([0.5, 0.5, 0.0]), rng.normal(size=(3, 2)), np.stack([np.eye(2)] * 3)
    )
    log_joint = mixture.log_joint(rng.normal(size=(6, 2)))
    module = make(log_joint, lengths=None)
    module.parents[0].mixture = mixture
    module.update()
    assert np.isfinite(module.evidence())
    np.testing.assert_allclose(module.responsibilities.sum(axis=1), 1)
    assert module.responsibilities[:, 2].max() == 0


@pytest.mark.skipif(not DATA.exists(), reason="needs serket_hmm.npz in ../shared/data")
def test_serkets_example(rng):
    """The benchmark's median of ten seeds with the exact message."""
    command = [sys.executable, ROOT / "benchmarks" / "markov.py", DATA, "--seeds", "3"]
    text = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ
    ).stdout
    rows = [line.split() for line in text.splitlines() if " exact " in line]
    medians = [float(row[-2]) for row in rows]
    assert len(medians) == 3 and min(medians) >= 0.95
