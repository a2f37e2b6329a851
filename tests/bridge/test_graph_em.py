"""EM from a graph of neighbours, mixtures of q(z|x), and classes of q."""

import numpy as np
import pytest
from scipy import stats
from sklearn.cluster import SpectralClustering
from sklearn.datasets import make_blobs
from sklearn.mixture import GaussianMixture as ScikitMixture

import serket_bridge as srk
from serket_bridge.inference.gaussian_mixture import GaussianMixture
from serket_bridge.inference.graph_em import GraphEM
from serket_bridge.messages import Categorical
from serket_bridge.scores import matching_accuracy


@pytest.fixture
def blobs():
    return make_blobs([90, 60, 30], 3, cluster_std=1.5, random_state=4)


def uniform(z, n_components):
    return np.zeros((len(z), n_components))


def fit(z, state=None, seed=0, **options):
    rng = np.random.default_rng(seed)
    return GraphEM(**options)(z, uniform(z, 3), 3, state, rng)


@pytest.mark.filterwarnings("ignore:Graph is not fully connected")
def test_the_start_is_spectral_clustering_and_the_end_scikit_learns_em(blobs):
    z, _ = blobs
    seed = int(np.random.default_rng(0).integers(2**31))
    graph = SpectralClustering(3, affinity="nearest_neighbors", random_state=seed)
    r = np.eye(3)[graph.fit_predict(z)]
    start = GaussianMixture.from_responsibilities(r, z, 1e-6)
    expected = ScikitMixture(
        3,
        max_iter=300,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=start.precisions,
    ).fit(z)
    found = fit(z)
    np.testing.assert_allclose(found.mixture.means, expected.means_, rtol=1e-6)
    np.testing.assert_allclose(found.bound, expected.lower_bound_, rtol=1e-9)
    r = expected.predict_proba(z)
    np.testing.assert_allclose(found.state["responsibilities"], r, atol=1e-6)


def test_later_rounds_follow_the_rows_when_the_latents_move(blobs):
    z, labels = blobs
    first = fit(z)
    moved = -z[:, ::-1] + 30.0  # the last parameters are far from these
    second = fit(moved, first.state)
    before, after = (
        f.state["responsibilities"].argmax(axis=1) for f in (first, second)
    )
    assert (before == after).mean() > 0.98  # the same numbers of the classes too
    assert matching_accuracy(labels, after) > 0.9


@pytest.mark.parametrize("init_subsample", [3000, 100])
def test_the_same_seed_gives_the_same_bits(blobs, init_subsample):
    z, labels = blobs
    found = [fit(z, init_subsample=init_subsample) for _ in range(2)]
    np.testing.assert_array_equal(found[0].mixture.means, found[1].mixture.means)
    classes = found[0].state["responsibilities"].argmax(axis=1)
    assert matching_accuracy(labels, classes) > 0.9


# --- Data that a graph is difficult for -----------------------------------------------


@pytest.mark.parametrize(
    "n, n_components",
    [(100, 1), (2, 1), (2, 2), (3, 2), (8, 8), (9, 8)],
)
def test_few_rows(rng, n, n_components):
    z = rng.normal(size=(n, 3))
    found = GraphEM()(z, uniform(z, n_components), n_components, None, rng)
    r = found.state["responsibilities"]
    np.testing.assert_allclose(r.sum(axis=1), 1)
    if n == n_components:
        assert sorted(r.argmax(axis=1)) == list(range(n))
    again = GraphEM()(z, uniform(z, n_components), n_components, found.state, rng)
    assert again.bound >= found.bound - 1e-2


@pytest.mark.parametrize("n_components, sizes", [(4, [50] * 4), (6, [0, 0] + [50] * 4)])
def test_equal_rows_are_graphs_of_their_own(rng, n_components, sizes):
    z = np.repeat(3 * np.eye(4), 50, axis=0)
    found = GraphEM()(z, uniform(z, n_components), n_components, None, rng)
    r = found.state["responsibilities"]
    assert sorted(np.bincount(r.argmax(axis=1), minlength=n_components)) == sizes
    assert np.isfinite(found.bound)
    assert all(np.isfinite(part).all() for part in vars(found.mixture).values())
    wide = found.mixture.widened(r, np.full(z.shape, 0.5))  # of empty classes too
    diagonals = np.einsum("kdd->kd", np.linalg.inv(wide.precisions))
    np.testing.assert_allclose(diagonals[r.sum(axis=0) > 1], 0.5, rtol=1e-4)


def test_rows_that_are_all_equal(rng):
    z = np.ones((40, 2))
    found = GraphEM()(z, uniform(z, 3), 3, None, rng)
    assert np.isfinite(found.bound) and len(set(found.mixture.weights > 0.5)) == 2


def test_a_covariance_that_is_not_positive_definite_is_a_sentence(rng):
    z = 1e7 * rng.normal(size=(100, 3)) @ rng.normal(size=(3, 5))
    with pytest.raises(ValueError, match="not positive definite: use fewer classes"):
        fit(z)


def test_a_state_of_other_rows_has_no_effect(blobs, rng):
    z, _ = blobs
    state = fit(rng.normal(size=(70, 2))).state
    np.testing.assert_array_equal(fit(z, state).mixture.means, fit(z).mixture.means)


def test_a_new_start_that_is_better_is_taken_with_restart(blobs, rng):
    z, labels = blobs
    bad = {"responsibilities": rng.dirichlet([50.0] * 3, size=len(z))}
    kept, restarted = fit(z, bad), fit(z, bad, restart=True)
    assert restarted.bound >= max(kept.bound, fit(z).bound) - 1e-9


def test_new_rows_are_recognised(blobs):
    z, labels = blobs
    data, gmm = srk.Observation(z[::2]), srk.GMM(3, inference=GraphEM(), seed=1)
    gmm.connect(data)
    loop = srk.MessageLoop([data, gmm])
    loop.run(2, verbose=False)
    found = loop.recognize(z[1::2])["gmm"]
    expected = gmm.mixture.responsibilities(z[1::2])
    np.testing.assert_allclose(found.responsibilities, expected, atol=1e-9)
    assert matching_accuracy(labels[1::2], found.classes) > 0.9


# --- Mixtures of q --------------------------------------------------------------------


def test_the_m_step_is_scikit_learns(rng):
    z, r = rng.normal(size=(50, 2)), rng.dirichlet([1, 1, 1], size=50)
    found = GaussianMixture.from_responsibilities(r, z, 1e-3)
    for k in range(3):
        weights = r[:, k]
        np.testing.assert_allclose(found.weights[k], weights.mean())
        mean = np.average(z, axis=0, weights=weights)
        np.testing.assert_allclose(found.means[k], mean)
        covariance = np.cov(z.T, aweights=weights, bias=True) + 1e-3 * np.eye(2)
        np.testing.assert_allclose(np.linalg.inv(found.precisions[k]), covariance)


def test_a_widened_mixture_has_the_covariance_of_draws(rng):
    mean, variances = rng.normal(size=(40, 2)), rng.uniform(0.2, 2.0, (40, 2))
    r = np.eye(2)[np.arange(40) % 2]
    found = GaussianMixture.from_responsibilities(r, mean, 0.0).widened(r, variances)
    noise = rng.standard_normal((20_000, 40, 2))
    draws = mean + np.sqrt(variances) * noise
    for k in range(2):
        expected = np.cov(draws[:, k::2].reshape(-1, 2).T)
        covariance = np.linalg.inv(found.precisions[k])
        np.testing.assert_allclose(covariance, expected, atol=0.02)


class Latents(srk.Module):
    """Sends a draw of q(z|x) far from its mean."""

    def __init__(self, mean, draw):
        super().__init__("latents", seed=0)
        self.q = srk.Gaussian(mean, np.ones_like(mean))
        self.draw = srk.Gaussian.point(draw)

    @property
    def posterior(self):
        return self.q

    def send(self):
        self.forward = self.draw


def test_the_classes_are_those_of_q_not_of_the_draw(rng):
    mean = np.concatenate([rng.normal(-4, 1, (60, 2)), rng.normal(4, 1, (60, 2))])
    draw = mean.copy()
    draw[:3] = 4.0  # three rows of the first group, drawn among the second
    latents, gmm = Latents(mean, draw), srk.GMM(2, seed=0)
    gmm.connect(latents)
    srk.MessageLoop([latents, gmm]).run(1, verbose=False)
    assert (gmm.classes[:60] == gmm.classes[3]).all()
    # E_q[log N(z; m, S)] by hand
    joint = np.empty((120, 2))
    for k in range(2):
        m, precision = gmm.mixture.means[k], gmm.mixture.precisions[k]
        normal = stats.multivariate_normal(m, np.linalg.inv(precision))
        joint[:, k] = np.log(gmm.mixture.weights[k]) + normal.logpdf(mean)
        joint[:, k] -= 0.5 * np.trace(precision)
    expected = Categorical(joint).prob
    np.testing.assert_allclose(gmm.responsibilities, expected, atol=1e-9)


def test_a_saved_loop_continues_bit_for_bit(blobs, tmp_path):
    z, _ = blobs

    def loop():
        data, gmm = srk.Observation(z), srk.GMM(3, inference=GraphEM(), seed=1)
        gmm.connect(data)
        return srk.MessageLoop([data, gmm])

    whole, parts = loop(), loop()
    whole.run(2, verbose=False)
    parts.run(1, folder=tmp_path, verbose=False)
    again = srk.load(tmp_path, z)
    if len(again.rows) < len(whole.rows):
        again.run(len(whole.rows) - len(again.rows), verbose=False)
    np.testing.assert_array_equal(
        again["gmm"].responsibilities, whole["gmm"].responsibilities
    )
