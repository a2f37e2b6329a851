"""Scores of classes by brute force over matchings, of latents by closed forms."""

import itertools

import numpy as np
import pytest
from scipy import stats

from models.evaluation import latent_statistics, metrics
from models.evaluation.metrics import clustering_scores, matching_accuracy


def best_of_all_matchings(labels, classes):
    """The share of agreeing examples under the best one-to-one renaming of classes.

    Unused names fill up the shorter side, so that some may stay unmatched.
    """
    size = max(labels.max(), classes.max()) + 1
    renamings = np.array(list(itertools.permutations(range(size))))
    return np.mean(renamings[:, classes] == labels, axis=1).max()


@pytest.mark.parametrize("n_labels", range(1, 6))
@pytest.mark.parametrize("n_classes", range(1, 6))
def test_accuracy_is_the_best_of_all_matchings(rng, n_labels, n_classes):
    for _ in range(5):
        labels, classes = (rng.integers(k, size=30) for k in (n_labels, n_classes))
        expected = best_of_all_matchings(labels, classes)
        assert matching_accuracy(labels, classes) == pytest.approx(expected)


def test_accuracy_of_classes_that_mostly_agree(rng):
    labels = rng.integers(5, size=40)
    classes = np.array([3, 0, 4, 1, 2])[labels]
    classes[:12] = rng.integers(5, size=12)
    expected = best_of_all_matchings(labels, classes)
    assert matching_accuracy(labels, classes) == pytest.approx(expected)
    assert 0.7 <= expected < 1.0


def rand_index_and_information(labels, classes):
    """ARI by counting pairs, NMI from the joint frequencies."""
    n = len(labels)
    pairs = list(itertools.combinations(range(n), 2))
    same = np.array(
        [[labels[i] == labels[j], classes[i] == classes[j]] for i, j in pairs]
    )
    both, one, two = same.all(axis=1).sum(), *same.sum(axis=0)
    expected = one * two / len(pairs)
    ari = (both - expected) / ((one + two) / 2 - expected)
    joint = np.zeros((labels.max() + 1, classes.max() + 1))
    np.add.at(joint, (labels, classes), 1 / n)
    p, q = joint.sum(axis=1), joint.sum(axis=0)
    outer, some = np.outer(p, q), joint > 0
    information = (joint[some] * np.log(joint[some] / outer[some])).sum()
    entropies = [-(v[v > 0] * np.log(v[v > 0])).sum() for v in (p, q)]
    return ari, information / np.mean(entropies)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_ari_counts_pairs_and_nmi_counts_nats(rng, n_classes):
    labels, classes = rng.integers(3, size=40), rng.integers(n_classes, size=40)
    classes[:20] = labels[:20] % n_classes
    scores = clustering_scores(labels, classes)
    ari, nmi = rand_index_and_information(labels, classes)
    assert scores["ari"] == pytest.approx(ari)
    assert scores["nmi"] == pytest.approx(nmi)
    assert scores["accuracy"] == pytest.approx(best_of_all_matchings(labels, classes))


def test_names_of_classes_do_not_matter(rng):
    labels, classes = rng.integers(4, size=50), rng.integers(6, size=50)
    renamed = np.array([40, -7, 3, 12, 0, 5])[classes]
    before, after = (clustering_scores(labels, c) for c in (classes, renamed))
    assert after == pytest.approx(before)
    again = clustering_scores(labels * 10 - 3, list(classes))
    assert again == pytest.approx(before)


def test_perfect_classes_score_one():
    labels = np.array([0, 1, 2, 2, 1, 0])
    scores = clustering_scores(labels, np.array([5, 9, 1, 1, 9, 5]))
    assert scores == pytest.approx({"accuracy": 1.0, "ari": 1.0, "nmi": 1.0})
    assert all(type(value) is float for value in scores.values())


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((3, 1), (3, 1)), ((3,), (3, 1))])
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match=r"one shape, \(n,\). Received: labels \(3"):
        clustering_scores(*(np.zeros(shape, int) for shape in shapes))


# --- Latents --------------------------------------------------------------------------


def test_the_kl_of_the_dimensions_adds_up_to_scipys_expectation(rng):
    z_mean, z_log_var, prior_mean = rng.normal(size=(3, 50, 4))
    precision = rng.gamma(2.0, size=(50, 4))
    # -E_q[log p] of a Gaussian q, and its entropy, by SciPy
    spread = np.exp(z_log_var) + (z_mean - prior_mean) ** 2
    cross = -stats.norm.logpdf(0, 0, precision**-0.5) + 0.5 * precision * spread
    expected = cross - stats.norm(0, np.exp(z_log_var / 2)).entropy()
    kl = latent_statistics.kl_per_dimension(z_mean, z_log_var, prior_mean, precision)
    np.testing.assert_allclose(kl, expected.mean(axis=0), rtol=1e-5)
    alone = latent_statistics.kl_per_dimension(z_mean, z_log_var)
    np.testing.assert_allclose(
        alone,
        latent_statistics.kl_per_dimension(
            z_mean, z_log_var, 0 * z_mean, 1 + 0 * z_mean
        ),
    )


def test_a_unit_is_active_if_its_mean_varies():
    z_mean = np.stack([np.linspace(-1, 1, 9), np.full(9, 5.0), 0.05 * np.arange(9)])
    assert metrics.active_units(z_mean.T).tolist() == [True, False, True]


@pytest.mark.parametrize("noise", [0.1, 0.5, 3.0])
def test_mutual_information_of_a_gaussian_channel(rng, noise):
    """x ~ N(0, I), z = x + noise: I(x; z) = D/2 log(1 + 1 / noise^2)."""
    x = rng.normal(size=(3500, 2))
    log_var = np.full_like(x, 2 * np.log(noise))
    value = metrics.mutual_information(x, log_var, rng, max_examples=3000)
    assert value == pytest.approx(np.log1p(1 / noise**2), abs=0.1)


def test_mutual_information_is_at_most_log_n_and_reaches_it(rng):
    """Posteriors that do not overlap identify the example, and no more."""
    z_mean = np.arange(100.0)[:, None]
    value = metrics.mutual_information(z_mean, np.full((100, 1), -6.0), rng, chunk=7)
    assert value == pytest.approx(np.log(100), abs=1e-6)
    z_mean, same = np.zeros((100, 1)), np.zeros((100, 1))
    assert metrics.mutual_information(z_mean, same, rng) == pytest.approx(0, abs=1e-6)


def test_silhouette_is_its_definition(rng):
    z = rng.normal(size=(30, 2)) + 4 * (np.arange(30) % 3)[:, None]
    classes = np.arange(30) % 3
    distance = np.linalg.norm(z[:, None] - z[None], axis=-1)
    to = np.stack([distance[:, classes == k].sum(axis=1) for k in range(3)], axis=1)
    own = to[np.arange(30), classes] / 9
    others = np.where(np.eye(3, dtype=bool)[classes], np.inf, to / 10).min(axis=1)
    expected = np.mean((others - own) / np.maximum(own, others))
    assert metrics.silhouette(z, classes) == pytest.approx(expected)
    assert np.isnan(metrics.silhouette(z, np.zeros(30)))


def test_labels_are_predicted_from_latents_that_encode_them_only(rng):
    labels = rng.permutation(400) % 4
    apart = 6 * np.eye(4)[labels] + rng.normal(size=(400, 4))
    noise = rng.normal(size=(400, 4))
    for z, few, most in ((apart, 0.97, 1.0), (noise, 0.0, 0.5)):
        for train in (None, (z[:200], labels[:200])):
            scores = metrics.probe_scores(z[200:], labels[200:], train)
            assert all(few <= score <= most for score in scores.values())


def test_a_silhouette_whose_sample_has_one_class_is_not_defined(rng):
    """Of 5000 of 20 000 examples the one of the second class is seldom one."""
    classes = np.append(np.zeros(19_999, int), 1)
    kept = np.random.RandomState(0).permutation(20_000)[:5000]
    assert 19_999 not in kept
    assert np.isnan(metrics.silhouette(rng.normal(size=(20_000, 2)), classes))


@pytest.mark.parametrize("n", [2, 8, 9])
def test_probes_need_ten_rows_of_two_labels(rng, n):
    z, labels = rng.normal(size=(20, 2)), np.arange(20) % 2
    assert metrics.probe_scores(z, labels, (z[:n], labels[:n])) is None
    assert metrics.probe_scores(z, labels, (z, 0 * labels)) is None
    assert metrics.probe_scores(z[:12], labels[:12]) is None
    assert set(metrics.probe_scores(z, labels, (z[:10], labels[:10]))) == {
        "linear",
        "k_nn",
    }
