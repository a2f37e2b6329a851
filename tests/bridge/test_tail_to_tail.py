"""Classes that several modules share: messages and the bound by enumeration."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp, softmax

import serket_bridge as srk
from serket_bridge.inference.em import EM
from serket_bridge.scores import matching_accuracy
from serket_bridge.tail_to_tail import TtoT, match_classes
from tests.bridge.markov_paths import enumerate_sequences

K, N = 3, 120


@pytest.fixture(scope="module")
def views():
    """Two views of 120 things of three kinds, each of which confuses two kinds."""
    rng = np.random.default_rng(0)
    labels = np.arange(N) % K
    left = np.array([[0.0, 0.0], [4.0, 0.0], [4.4, 0.8]])[labels]
    right = np.array([[0.0, 5.0], [0.5, 4.2], [5.0, 0.0]])[labels]
    noise = 0.6 * rng.standard_normal((2, N, 2))
    return left + noise[0], right + noise[1], labels


def make(views, n_modules=2, **options):
    """A loop of mixtures of each view below one shared class."""
    modules, mixtures = [], []
    for m in range(n_modules):
        obs = srk.Observation(views[m % 2], f"obs{m}")
        gmm = srk.GMM(K, name=f"gmm{m}", inference=EM(n_init=5), seed=m)
        gmm.connect(obs)
        modules += [obs, gmm]
        mixtures.append(gmm)
    shared = srk.TailToTail(seed=0, **options)
    shared.connect(*mixtures)
    return srk.MessageLoop([*modules, shared])


@pytest.fixture(scope="module")
def loop(views):
    loop = make(views)
    loop.run(5, views[2], verbose=False)
    return loop


def log_densities(gmm, z):
    """log N_k(z), (n, K), by SciPy."""
    mixture = gmm.mixture
    pairs = zip(mixture.means, mixture.precisions, strict=True)
    laws = [stats.multivariate_normal(m, np.linalg.inv(L)) for m, L in pairs]
    return np.stack([law.logpdf(np.float32(z)) for law in laws], axis=1)


def log_joint(loop, views):
    """log p(c) prod_m N_m(z_m | c), (n, K)."""
    shared = loop["tt"]
    total = np.log(shared.weights)
    for m, (gmm, order) in enumerate(zip(shared.parents, shared.matching, strict=True)):
        total = total + log_densities(gmm, views[m % 2])[:, order]
    return total


# --- By enumeration -------------------------------------------------------------------


@pytest.mark.parametrize("n_modules", [1, 2, 3])
@pytest.mark.parametrize("rounds", [1, 3])
def test_the_bound_is_log_p_of_all_views(views, n_modules, rounds):
    """log sum_c p(c) prod_m N_m(z_m | c): the weights of the mixtures have no part."""
    loop = make(views, n_modules)
    (*_, row) = loop.run(rounds, verbose=False)
    joint = log_joint(loop, views)
    assert row["elbo"] == pytest.approx(logsumexp(joint, axis=1).mean(), rel=1e-9)
    expected = softmax(joint, axis=1)
    np.testing.assert_allclose(loop["tt"].responsibilities, expected, atol=1e-9)
    send_to_all(loop["tt"])
    for gmm, order in zip(loop["tt"].parents, loop["tt"].matching, strict=True):
        gmm.send()  # it reads the last message
        found = gmm.responsibilities[:, order]
        np.testing.assert_allclose(found, expected, atol=1e-9)


def send_to_all(shared):
    """As in recognition, and not in turn."""
    shared.mode = "recog"
    shared.send()
    shared.mode = "learn"


def test_no_module_hears_itself(views):
    """The message to one has p(c) and the other's density, without its own weights."""
    loop = make(views)
    loop.run(2, verbose=False)
    shared = loop["tt"]
    send_to_all(shared)
    for m in range(2):
        gmm, other = shared.parents[m], shared.parents[1 - m]
        expected = np.log(shared.weights)
        expected = (
            expected + log_densities(other, views[1 - m])[:, shared.matching[1 - m]]
        )
        expected = expected - np.log(gmm.mixture.weights)[shared.matching[m]]
        found = gmm._backward[shared].prob[:, shared.matching[m]]
        np.testing.assert_allclose(found, softmax(expected, axis=1), atol=1e-9)


def test_the_weights_are_the_mean_of_the_classes(views):
    """One step of EM, from uniform weights."""
    loop = make(views, itr=1)
    loop.run(1, verbose=False)
    shared = loop["tt"]
    joint = log_joint(loop, views) - np.log(shared.weights)
    np.testing.assert_allclose(shared.weights, softmax(joint, axis=1).mean(axis=0))


def test_below_a_chain_the_bound_is_that_of_the_hidden_markov_model(views):
    """Of a model with two observations at each step: by all paths."""
    few = [view[:12] for view in views]
    loop = make(few)
    chain = srk.Markov(lengths=[5, 7], seed=0)
    chain.connect(loop["tt"])
    loop = srk.MessageLoop([*loop.modules, chain])
    (*_, row) = loop.run(2, verbose=False)
    log_l = log_joint(loop, few) - np.log(loop["tt"].weights)
    smoothed, *_, log_p = enumerate_sequences(chain.chain, log_l, [5, 7])
    assert row["elbo"] == pytest.approx(log_p.sum() / 12, rel=1e-8)
    loop["tt"].send()
    np.testing.assert_allclose(loop["tt"].responsibilities, smoothed, atol=1e-8)


def test_messages_from_above_are_multiplied_and_not_sent_back(views, rng, send_message):
    loop = make(views)
    loop.run(1, verbose=False)
    shared, joint = loop["tt"], log_joint(loop, views)
    messages = np.log(rng.dirichlet(np.ones(K), (2, N)))
    children = [send_message(shared, m, name=f"c{i}") for i, m in enumerate(messages)]
    shared.send()
    expected = softmax(joint + messages.sum(axis=0), axis=1)
    np.testing.assert_allclose(shared.responsibilities, expected, atol=1e-9)
    for child, other in zip(children, messages[::-1], strict=True):
        found = shared.message_to(child).prob
        np.testing.assert_allclose(found, softmax(joint + other, axis=1), atol=1e-9)
    bound = logsumexp(joint + messages.sum(axis=0) + 2 * np.log(K), axis=1)
    scale = logsumexp(messages.sum(axis=0) + 2 * np.log(K), axis=1)
    # the product of two messages is normalised: its factor is K b
    bound = (bound - scale + np.log(K)).mean()
    terms = [shared.evidence(), *(gmm.evidence() for gmm in shared.parents)]
    assert sum(terms) == pytest.approx(bound)


def test_after_the_first_round_messages_are_sent_in_turn(views):
    """Then the bound does not fall, however well the modules agree with each other."""
    loop = make([view[:60] + 0.8 * np.roll(view[:60], 1, axis=0) for view in views[:2]])
    shared, sent = loop["tt"], []
    for gmm in shared.parents:
        gmm.inference = EM(restart=False)
    for _ in range(4):
        loop.run(1, verbose=False)
        sent.append([shared.sent_to(gmm) for gmm in shared.parents])
    changed = [
        [a is not b for a, b in zip(*pair, strict=True)]
        for pair in zip(sent, sent[1:], strict=False)
    ]
    assert changed == [[False, True], [True, False], [False, True]]
    assert np.diff([row["elbo"] for row in loop.rows[1:]]).min() > -0.05


# --- Matching -------------------------------------------------------------------------


def test_two_views_are_better_than_one(loop, views):
    labels = views[2]
    alone = []
    for m in range(2):
        obs, gmm = srk.Observation(views[m]), srk.GMM(K, inference=EM(n_init=5), seed=m)
        gmm.connect(obs)
        srk.MessageLoop([obs, gmm]).run(1, verbose=False)
        alone.append(matching_accuracy(labels, gmm.classes))
    assert max(alone) < 0.9 and loop.rows[-1]["accuracy"] > 0.97
    for gmm in loop["tt"].parents:
        assert matching_accuracy(labels, gmm.classes) > 0.97
    assert loop.rows[-1]["elbo"] > loop.rows[0]["elbo"]


@pytest.mark.parametrize("seed", range(5))
def test_the_matching_is_the_best_of_all(seed):
    """Serket's greedy swaps miss it, and never match a third module."""
    rng = np.random.default_rng(seed)
    one, two = rng.dirichlet(np.full(5, 0.3), (2, 30))
    found = match_classes(one, two)
    best = max(
        permutations(range(5)), key=lambda order: (one * two[:, list(order)]).sum()
    )
    np.testing.assert_array_equal(found, best)


def test_every_module_is_matched(rng):
    """Five modules that number the same classes in other orders."""
    labels, parents, orders = rng.integers(4, size=200), [], []
    for m in range(5):
        orders.append(rng.permutation(4))
        noisy = np.where(rng.random(200) < 0.2, rng.integers(4, size=200), labels)
        log_prob = 2.0 * np.eye(4)[np.argsort(orders[-1])[noisy]]
        parents.append(Sender(log_prob, f"sender{m}"))
    shared = TtoT()
    shared.connect(*parents)
    shared.step()
    for order, found in zip(orders, shared.matching, strict=True):
        # both say which number each class of the first module has
        np.testing.assert_array_equal(found, np.argsort(order)[orders[0]])
    assert matching_accuracy(labels, shared.classes) > 0.98


class Sender(srk.Module):
    """Sends class probabilities forward, always the same."""

    output_message = srk.Categorical

    def __init__(self, log_prob, name):
        super().__init__(name)
        self.forward, self.learned = srk.Categorical(log_prob), True

    def send(self):
        """The message never changes."""


def test_what_a_module_excludes_makes_no_nan():
    with np.errstate(divide="ignore"):
        parents = [Sender(np.log(np.eye(3)), f"sender{m}") for m in range(2)]
    shared = srk.TailToTail()
    shared.connect(*parents)
    shared.step()
    np.testing.assert_allclose(shared.responsibilities, np.eye(3), atol=1e-9)
    assert np.isfinite(shared.evidence())


# --- Files and saving -----------------------------------------------------------------


def test_new_things_are_recognised_by_both_views(loop, views):
    data = {"obs0": views[0][:30], "obs1": views[1][:30]}
    found = loop.recognize(data)["tt"]
    np.testing.assert_array_equal(found.classes, loop["tt"].classes[:30])
    predicted = loop["tt"].predict([2, 0])
    for gmm, order in zip(loop["tt"].parents, loop["tt"].matching, strict=True):
        expected = gmm.mixture.means[order[[2, 0]]]
        np.testing.assert_array_equal(predicted[gmm.name], expected)


def test_a_loop_continues_to_the_same_bits(views, tmp_path):
    whole = make(views)
    whole.run(3, verbose=False)
    make(views).run(1, folder=tmp_path, verbose=False)
    data = {"obs0": np.float32(views[0]), "obs1": np.float32(views[1])}
    loaded = srk.load(tmp_path, data)
    loaded.run(3, folder=tmp_path, verbose=False)
    one, other = whole["tt"], loaded["tt"]
    for name in ("weights", "matching", "responsibilities", "classes"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert whole.rows[-1]["elbo"] == loaded.rows[-1]["elbo"]
    found = srk.load(tmp_path).recognize(data)["tt"].classes
    np.testing.assert_array_equal(found, whole.recognize(data)["tt"].classes)


def test_update_writes_files_and_recog_reads_them(views, tmp_path):
    with srk.output_dir(tmp_path):
        loop = make(views)
        for module in (*loop["tt"].parents, loop["tt"]):
            module.update()
        folder = tmp_path / f"{loop['tt'].folder}"
        classes = np.loadtxt(folder / "class_learn.txt")
        np.testing.assert_array_equal(classes, loop["tt"].classes)
        again = make(views, mode="recog")
        for gmm in again["tt"].parents:
            gmm.mode = "recog"
        for module in (*again["tt"].parents, again["tt"]):
            module.update()
        np.testing.assert_array_equal(again["tt"].classes, classes)
        assert (folder / "Pdz_recog.txt").exists()


def test_wrong_inputs_are_refused_with_all_names(views):
    parents = [Sender(np.zeros((4, k)), f"sender{k}") for k in (2, 3)]
    shared = srk.TailToTail()
    shared.connect(*parents)
    rule = "tt needs the same number of .* Received: 2 from sender2, 3 from sender3"
    with pytest.raises(ValueError, match=rule):
        shared.update()
    shared.connect(parents[0])
    shared.update()
    shared.connect(parents[1])
    with pytest.raises(ValueError, match=r"tt has learned \(1, 2\) classes.*\(1, 3\)"):
        shared.update()
    with pytest.raises(ValueError, match="tt: classes must be integers from 0 to 1"):
        shared.predict([2])
