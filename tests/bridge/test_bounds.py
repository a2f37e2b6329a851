"""Tiny discrete graphs against the enumeration of all values of their variables.

`Table` has p(x_n | c_n) of words x_n, and `Topic` p(a_n) prod_i p(c_in | a_n) above any
number of them; both exactly. Every graph is a tree, so that all messages are exact.
"""

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

import serket_bridge as srk
from serket_bridge import Categorical, Gaussian

N, WORDS, CLASSES = 7, 4, 3


class Discrete(srk.Module):
    """A variable of K values: `forward`, and the factor K b of the children."""

    output_message = Categorical
    max_parents = 5

    def above(self, n, k):
        return self.backward_message(Categorical.uniform(n, k))

    @property
    def belief(self):
        """p(value | all messages), (n, K)."""
        own = self.log_likelihood()
        return softmax(own + self.above(*own.shape).log_prob, axis=1)

    def evidence(self):
        own = self.log_likelihood()
        n, k = own.shape
        total = logsumexp(own + self.above(n, k).log_prob, axis=1) + np.log(k)
        for message, sent in self.edges():
            total = total - message.log_overlap(sent)
        return float(total.mean())

    def edges(self):
        return []


class Table(Discrete):
    """p(x_n | c_n), (K, W), of one word."""

    def __init__(self, table, name):
        super().__init__(name)
        self.table = table

    def log_likelihood(self):
        words = self.inputs()[0].mean.argmax(axis=1)
        return np.log(self.table[:, words].T)

    def send(self):
        self.forward = Categorical(self.log_likelihood())


class PosteriorTable(Table):
    """Sends what Serket's modules send: the posterior."""

    forward_is_posterior = True

    def send(self):
        own = self.log_likelihood()
        self.forward = Categorical(own + self.above(*own.shape).log_prob)


class Topic(Discrete):
    """p(a) prod_i p(c_i | a): prior (A,) or ones, tables (A, K) of each parent."""

    input_message = Categorical

    def __init__(self, prior, tables, name="topic"):
        super().__init__(name)
        self.prior, self.tables, self.sent = np.asarray(prior), tables, ()

    def likelihoods(self):
        """log p(input i | a), (n, A) each."""
        return [
            logsumexp(m.log_prob[:, None] + np.log(table), axis=2)
            for m, table in zip(self.inputs(), self.tables, strict=True)
        ]

    def log_likelihood(self):
        return np.log(self.prior) + sum(self.likelihoods())

    def send(self):
        own = self.log_likelihood()
        self.forward, above = Categorical(own), self.above(*own.shape).log_prob
        self.sent = []
        parts = zip(self.parents, self.tables, self.likelihoods(), strict=True)
        for parent, table, part in parts:
            others = (own + above - part)[..., None]  # without what the parent sent
            self.sent.append(Categorical(logsumexp(others + np.log(table), axis=1)))
            self.send_backward(parent, self.sent[-1])

    def edges(self):
        return zip(self.inputs(), self.sent, strict=True)


@pytest.fixture
def tables(rng):
    """A function that draws a table of probabilities, each row a distribution."""
    return lambda *shape: rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])


@pytest.fixture
def make_table(rng, tables):
    """A function that makes an observation of words, and the table above it."""

    def make(name, kind=Table):
        words = np.eye(WORDS)[rng.integers(WORDS, size=N)]
        obs, table = srk.Observation(words, f"{name}_data"), tables(CLASSES, WORDS)
        module = kind(table, name)
        module.connect(obs)
        return obs, module

    return make


def likelihood(module):
    """p(x_n | c), (n, K), of a `Table`, by its definition."""
    return np.stack([module.table[:, x.argmax()] for x in module.inputs()[0].mean])


def enumerate_topic(topic, lows):
    """The sums over all c_1, c_2, ... for each a: (n, A), and p(c_1, x), (n, K)."""
    joint = np.zeros((N, len(topic.prior)))
    first = np.zeros((N, CLASSES))
    for a, *cs in product(range(len(topic.prior)), *[range(CLASSES)] * len(lows)):
        p = np.full(N, topic.prior[a])
        for low, table, c in zip(lows, topic.tables, cs, strict=True):
            p = p * table[a, c] * likelihood(low)[:, c]
        joint[:, a] += p
        first[:, cs[0]] += p
    return joint, first


def normalised(joint):
    return joint / joint.sum(axis=1, keepdims=True)


# --- The bound ------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [1, 2, 5])
@pytest.mark.parametrize("n_lows", [1, 2, 3])
def test_the_elbo_of_a_junction_is_log_p(rng, tables, make_table, n_lows, rounds):
    pairs = [make_table(f"low{i}") for i in range(n_lows)]
    lows = [low for _, low in pairs]
    topic = Topic(tables(2), [tables(2, CLASSES) for _ in lows])
    topic.connect(*lows)
    loop = srk.MessageLoop([m for pair in pairs for m in pair] + [topic])
    loop.run(rounds, verbose=False)
    joint, first = enumerate_topic(topic, lows)
    for row in loop.rows:
        assert row["elbo"] == pytest.approx(np.log(joint.sum(axis=1)).mean(), rel=1e-12)
    np.testing.assert_allclose(topic.belief, normalised(joint), rtol=1e-10)
    np.testing.assert_allclose(lows[0].belief, normalised(first), rtol=1e-10)


@pytest.mark.parametrize("rounds", [1, 4])
def test_the_elbo_of_three_levels_is_log_p(tables, make_table, rounds):
    """A topic of topics: the lower ones have no p(a), which is the upper one's."""
    pairs = [make_table(f"low{i}") for i in range(3)]
    lows = [low for _, low in pairs]
    left = Topic(np.ones(2), [tables(2, CLASSES) for _ in range(2)], "left")
    right = Topic(np.ones(2), [tables(2, CLASSES)], "right")
    top = Topic(tables(3), [tables(3, 2), tables(3, 2)], "top")
    left.connect(*lows[:2])
    right.connect(lows[2])
    top.connect(left, right)
    modules = [m for pair in pairs for m in pair] + [left, right, top]
    loop = srk.MessageLoop(modules)
    loop.run(rounds, verbose=False)
    lefts, rights = (
        enumerate_topic(left, lows[:2])[0],
        enumerate_topic(right, lows[2:])[0],
    )
    joint = np.zeros((N, 3))
    for t, i, j in product(range(3), range(2), range(2)):
        p = top.prior[t] * top.tables[0][t, i] * top.tables[1][t, j]
        joint[:, t] += p * lefts[:, i] * rights[:, j]
    assert loop.rows[-1]["elbo"] == pytest.approx(np.log(joint.sum(axis=1)).mean())
    np.testing.assert_allclose(top.belief, normalised(joint), rtol=1e-10)


def test_without_a_module_above_it_is_that_of_uniform_classes(make_table):
    obs, low = make_table("low")
    (row,) = srk.MessageLoop([obs, low]).run(1, verbose=False)
    assert row["elbo"] == pytest.approx(np.log(likelihood(low).sum(axis=1)).mean())


# --- Nothing is counted twice ---------------------------------------------------------


@pytest.mark.parametrize("kind", [Table, PosteriorTable])
def test_two_modules_above_one_hear_each_other_and_not_themselves(
    tables, make_table, kind
):
    """p(c) prop. to p(x | c) A(c) B(c): each of A and B with data of its own."""
    obs, low = make_table("low", kind)
    modules, tops, factors = [obs, low], [], []
    for name in "ab":
        own_obs, own = make_table(f"own_{name}")
        top = Topic(tables(2), [tables(2, CLASSES), tables(2, CLASSES)], name)
        top.connect(low, own)
        modules += [own_obs, own, top]
        tops.append(top)
        # p(a) p(own data | a) p(c | a), (n, A, K)
        of_own = likelihood(own) @ top.tables[1].T
        factors.append((top.prior * of_own)[..., None] * top.tables[0])
    loop = srk.MessageLoop(modules)
    for _ in range(4):
        loop.run(1, verbose=False)
    joint = np.zeros((N, 2, 2, CLASSES))  # a, b, c
    for a, b, c in product(range(2), range(2), range(CLASSES)):
        p = factors[0][:, a, c] * factors[1][:, b, c] * likelihood(low)[:, c]
        joint[:, a, b, c] = p
    np.testing.assert_allclose(
        low.belief, normalised(joint.sum(axis=(1, 2))), rtol=1e-9
    )
    low.step()  # what it sends now has the last messages of both
    expected = [normalised(joint.sum(axis=axes)) for axes in ((2, 3), (1, 3))]
    for top, each in zip(tops, expected, strict=True):
        np.testing.assert_allclose(top.belief, each, rtol=1e-9)
    own_twice = low.message_to(tops[0]) * low._backward[tops[0]]
    assert np.abs(own_twice.prob - low.message_to(tops[0]).prob).max() > 1e-3
    assert loop.rows[-1]["elbo"] is None
    expected = (
        "a and b are above low: the normaliser of the product of their densities "
    )
    assert loop.elbo_reason == f"{expected}is not known"


def test_a_posterior_is_divided_by_what_was_in_it(tables, make_table):
    """Not by what the child has sent since."""
    obs, low = make_table("low", PosteriorTable)
    topic = Topic(tables(2), [tables(2, CLASSES)])
    topic.connect(low)
    loop = srk.MessageLoop([obs, low, topic])
    for _ in range(3):
        loop.run(1, verbose=False)
        np.testing.assert_allclose(topic.inputs()[0].prob, normalised(likelihood(low)))
    joint, _ = enumerate_topic(topic, [low])
    assert loop.rows[-1]["elbo"] == pytest.approx(np.log(joint.sum(axis=1)).mean())


def test_serkets_modules_are_divided_too(make_table):
    class Pdz(srk.SerketModule):
        output_message = Categorical
        forward_is_posterior = True

        def update(self):
            Pdz, Pdc = (
                softmax(self.get_observations()[0], axis=1),
                self.get_backward_msg(),
            )
            self.set_forward_msg(Pdz if Pdc is None else Pdz * Pdc)

    class Echo(srk.SerketModule):
        def update(self):
            self.heard = self.get_observations()[0]
            self.send_backward_msgs([self.heard])

    x = np.arange(8.0).reshape(4, 2) ** 2 / 50
    obs, low, echo = srk.Observation(x), Pdz("low"), Echo("echo")
    low.connect(obs)
    echo.connect(low)
    for _ in range(4):  # without division the echo would grow
        low.update()
        echo.update()
        np.testing.assert_allclose(echo.heard, softmax(x, axis=1), rtol=1e-6)


# --- Continuous variables -------------------------------------------------------------


class Reader(srk.Module):
    """Takes the latents as given, with a term of its own."""

    ports, given_inputs = {"z": Gaussian}, ("z",)

    def send(self):
        """Sends no messages."""

    def evidence(self):
        return -0.25


def test_a_module_that_takes_latents_as_given_adds_its_term(make_loop):
    """The entropy of q(z|x) is counted once, by the mixture."""
    loop = make_loop()
    expected = loop.run(1, verbose=False)[0]["elbo"]
    loop, reader = make_loop(), Reader("reader")
    reader.connect(z=loop["vae"])
    (row,) = srk.MessageLoop([*loop.modules, reader]).run(1, verbose=False)
    assert row["elbo"] == pytest.approx(expected - 0.25, rel=1e-12)


def test_without_the_mixture_it_is_the_vaes_own_bound(make_loop):
    loop, reader = make_loop(), Reader("reader")
    obs, vae, gmm = loop.modules
    gmm.disconnect()
    vae.children.discard(gmm)
    (row,) = srk.MessageLoop([obs, vae]).run(1, verbose=False)
    reader.connect(z=vae)
    loop = srk.MessageLoop([obs, vae, reader])
    assert sum(m.evidence() for m in loop.modules) == pytest.approx(row["elbo"] - 0.25)


def test_a_module_above_that_is_not_in_the_loop_leaves_no_bound(make_loop):
    modules = make_loop().modules
    loop = srk.MessageLoop(modules[:2])
    (row,) = loop.run(1, verbose=False)
    assert row["elbo"] is None
    assert loop.elbo_reason == "gmm, above vae, is not in this loop"


def test_two_models_of_the_same_data_have_no_bound(blobs):
    obs, one, two = srk.Observation(blobs.z), srk.GMM(2), srk.GMM(3, name="two")
    one.connect(obs)
    two.connect(obs)
    loop = srk.MessageLoop([obs, one, two])
    (row,) = loop.run(1, verbose=False)
    assert row["elbo"] is None and "gmm and two are above obs" in loop.elbo_reason
