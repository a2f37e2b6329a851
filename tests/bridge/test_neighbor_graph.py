"""The mixture of the classes of a graph of nearest neighbours."""

import numpy as np
import pytest
from scipy.sparse import identity
from sklearn.datasets import make_blobs, make_moons
from sklearn.neighbors import NearestNeighbors

import serket_bridge as srk
from serket_bridge.inference import neighbor_graph
from serket_bridge.inference.em import EM
from serket_bridge.inference.neighbor_graph import NeighborGraph
from serket_bridge.scores import matching_accuracy


@pytest.fixture
def moons():
    return make_moons(400, noise=0.06, random_state=0)


def fit(z, n_components=2, state=None, seed=0, prior=None, **options):
    rng = np.random.default_rng(seed)
    prior = np.zeros((len(z), n_components)) if prior is None else prior
    return NeighborGraph(**options)(z, prior, n_components, state, rng)


def classes_of(found):
    return found.state["responsibilities"].argmax(axis=1)


def test_the_graph_has_the_neighbours_of_each_row(rng):
    z = rng.normal(size=(40, 3))
    found = neighbor_graph.neighbor_graph(z, 4).toarray()
    near = NearestNeighbors(n_neighbors=5).fit(z).kneighbors(z)[1][:, 1:]
    is_near = np.zeros((40, 40))
    np.put_along_axis(is_near, near, 1, axis=1)
    np.testing.assert_array_equal(found, (is_near + is_near.T) / 2)


def test_directions_are_those_of_the_commute_time_of_a_random_walk(monkeypatch, rng):
    # ||a_n - a_m||^2 = (e_n - e_m)' L^+ (e_n - e_m), the commute time, of the Laplacian
    # D^1/2 (I - W) D^1/2, but for the eigenvectors that are left out
    monkeypatch.setattr(neighbor_graph, "FLOOR", 0.0)
    monkeypatch.setattr(neighbor_graph, "EIGENVECTORS", 30)
    graph = neighbor_graph.neighbor_graph(rng.normal(size=(25, 2)), 6)
    graph = graph + 5 * identity(25)  # then no eigenvalue of W is negative
    dense, root = graph.toarray(), np.sqrt(np.asarray(graph.sum(axis=1)).ravel())
    w, v = np.linalg.eigh(dense / np.outer(root, root))
    assert w.min() > 0
    w, v = w[1:-1], v[:, 1:-1] / root[:, None]
    kernel = v @ np.diag(w / (1 - w)) @ v.T
    lengths = np.sqrt(np.diag(kernel))
    found = neighbor_graph.commute_directions(graph, 2, rng)
    expected = kernel / np.outer(lengths, lengths)
    np.testing.assert_allclose(found @ found.T, expected, atol=1e-5)


def test_curved_classes_that_a_mixture_cannot_separate(moons):
    z, labels = moons
    found = fit(z)
    assert matching_accuracy(labels, classes_of(found)) > 0.99
    em = EM()(z, np.zeros((400, 2)), 2, None, np.random.default_rng(0))
    by_em = em.mixture.responsibilities(z).argmax(axis=1)
    assert matching_accuracy(labels, by_em) < 0.95


def test_a_few_rows_far_away_do_not_take_a_class(rng):
    z, labels = make_blobs([150, 150, 150], 2, cluster_std=0.6, random_state=1)
    far = np.concatenate([z, 300 + rng.normal(size=(11, 2))])  # a part of the graph
    found = classes_of(fit(far, 3))[: len(z)]
    assert matching_accuracy(labels, found) > 0.97


def test_the_mixture_has_the_moments_of_the_classes(moons):
    z, _ = moons
    found = fit(z)
    r = found.state["responsibilities"]
    np.testing.assert_allclose(found.mixture.weights, r.mean(axis=0))
    for k in range(2):
        mean = np.average(z, axis=0, weights=r[:, k])
        covariance = np.cov(z.T, aweights=r[:, k], ddof=0) + 1e-6 * np.eye(2)
        np.testing.assert_allclose(found.mixture.means[k], mean)
        precision = np.linalg.inv(covariance)
        np.testing.assert_allclose(found.mixture.precisions[k], precision, rtol=1e-6)


def test_the_backward_message_multiplies_the_votes(moons):
    z, _ = moons
    free = fit(z)
    prior = np.log(np.tile([0.3, 0.7], (400, 1)))
    prior[:5] = [0.0, -np.inf]  # five rows are known to be in class 0
    found = fit(z, prior=prior)
    expected = free.state["responsibilities"] * np.exp(prior)
    expected /= expected.sum(axis=1, keepdims=True)
    expected[:5] = [1, 0]
    kept = np.ones(400, bool)
    kept[:5] = free.state["responsibilities"][:5, 0] > 0
    r = found.state["responsibilities"]
    np.testing.assert_allclose(r[kept], expected[kept])
    assert np.isfinite(r).all() and np.isfinite(found.bound)


def test_classes_keep_their_numbers_when_the_latents_move(moons):
    z, _ = moons
    first = fit(z, seed=0)
    for seed in range(4):  # k-means numbers the classes as its start is drawn
        second = fit(30 - z[:, ::-1], state=first.state, seed=seed)
        assert (classes_of(first) == classes_of(second)).mean() > 0.99


@pytest.mark.parametrize("max_rows", [100_000, 200])
def test_the_same_seed_gives_the_same_bits(moons, max_rows):
    z, labels = moons
    found = [fit(z, max_rows=max_rows) for _ in range(2)]
    for name, value in vars(found[0].mixture).items():
        np.testing.assert_array_equal(value, getattr(found[1].mixture, name))
    assert len(classes_of(found[0])) == len(z)
    assert matching_accuracy(labels, classes_of(found[0])) > 0.85


@pytest.mark.parametrize(
    "n, n_components", [(100, 1), (2, 1), (2, 2), (3, 2), (8, 8), (9, 8), (9, 3)]
)
def test_few_rows(rng, n, n_components):
    z = rng.normal(size=(n, 3))
    found = fit(z, n_components)
    np.testing.assert_allclose(found.state["responsibilities"].sum(axis=1), 1)
    assert np.isfinite(found.bound)
    assert all(np.isfinite(part).all() for part in vars(found.mixture).values())


def test_rows_that_are_all_equal():
    found = fit(np.ones((40, 2)), 3)
    assert np.isfinite(found.bound)


def test_the_loop_recognises_new_rows(moons):
    z, labels = make_blobs([90, 60, 30], 3, cluster_std=1.0, random_state=4)
    data, gmm = srk.Observation(z[::2]), srk.GMM(3, inference=NeighborGraph, seed=1)
    gmm.connect(data)
    loop = srk.MessageLoop([data, gmm])
    loop.run(3, verbose=False)
    assert len(loop.rows) == 2  # the same latents have the same classes
    found = loop.recognize(z[1::2])["gmm"]
    assert matching_accuracy(labels[1::2], found.classes) > 0.9
