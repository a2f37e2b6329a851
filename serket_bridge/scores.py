"""Agreement of classes with labels: numbers that no renaming of classes changes."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix


def matching_accuracy(labels: np.ndarray, classes: np.ndarray) -> float:
    """The share of examples whose class is matched with their label, in (0, 1].

    labels, classes: (n,), any integers. The matching is one-to-one and optimal (Kuhn,
    1955); if there are more classes than labels, or fewer, some stay unmatched.
    """
    table = contingency_matrix(labels, classes)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def clustering_scores(labels: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """`accuracy` (of the best matching), `ari` and `nmi` of classes, (n,)."""
    return {
        "accuracy": matching_accuracy(labels, classes),
        "ari": float(adjusted_rand_score(labels, classes)),
        "nmi": float(normalized_mutual_info_score(labels, classes)),
    }
