"""Scores of classes against labels, by brute force over all matchings."""

import itertools

import numpy as np
import pytest

from models.experiment.metrics import clustering_scores, matching_accuracy


def best_of_all_matchings(labels, classes):
    """The share of agreeing data under the best one-to-one renaming of the classes.

    Names that do not occur fill up the shorter side, so that some may stay unmatched.
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
