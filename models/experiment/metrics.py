"""How well classes agree with labels: numbers that no renaming of classes changes."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix


def matching_accuracy(labels, classes):
    """The share of data whose class is matched with their label.

    The matching is one-to-one and the best there is (Kuhn, 1955; SciPy's
    `linear_sum_assignment`); with more classes than labels, or fewer, some stay
    unmatched. labels, classes: (n,), any integers. Returns a number in (0, 1].
    """
    table = contingency_matrix(labels, classes)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def clustering_scores(labels, classes):
    """accuracy, adjusted Rand index and normalised mutual information, by name."""
    labels, classes = np.asarray(labels), np.asarray(classes)
    if labels.ndim != 1 or labels.shape != classes.shape:
        raise ValueError(
            "labels and classes must have one shape, (n,). "
            f"Received: labels {labels.shape}, classes {classes.shape}"
        )
    return {
        "accuracy": matching_accuracy(labels, classes),
        "ari": float(adjusted_rand_score(labels, classes)),
        "nmi": float(normalized_mutual_info_score(labels, classes)),
    }
