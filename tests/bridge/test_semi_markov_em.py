"""EM for semi-Markov models: it climbs, and finds the pieces of generated series."""

import numpy as np
import pytest
from scipy import stats

from serket_bridge.inference import semi_markov, semi_markov_em, trajectories
from serket_bridge.inference.semi_markov_em import Prior, Series
from serket_bridge.scores import matching_accuracy
from tests.bridge.conftest import repeated_pieces
from tests.bridge.semi_markov_cuts import enumerate_cuts


def make_series(x, lengths, n_classes, variance=0.0):
    variance = np.broadcast_to(variance, x.shape)
    return Series(x, variance, np.zeros((len(x), n_classes)), np.array(lengths))


@pytest.fixture
def noisy(rng):
    """Two short sequences in the plane, of which nothing fits well."""
    x = np.cumsum(rng.normal(size=(24, 2)), axis=0)
    series = make_series(x, [10, 14], 2, rng.gamma(1.0, size=(24, 2)))
    return series, Prior.of(series, 1, 3.0, 6)


def test_em_never_loses(noisy, rng):
    series, prior = noisy
    model = semi_markov_em.start(series, prior, 2, 3, rng)
    path = [semi_markov_em.fit_em(model, series, prior, 0)[1]]
    for _ in range(30):
        model, objective = semi_markov_em.fit_em(model, series, prior, 1)
        path.append(objective)
    assert np.diff(path).min() > -1e-9 and path[-1] > path[0] + 0.1


def test_the_objective_is_likelihood_times_prior(noisy, rng):
    """Sums over all cuts, and SciPy's densities for all that the classes have seen."""
    series, prior = noisy
    model = semi_markov_em.start(series, prior, 2, 3, rng)
    model, _ = semi_markov_em.fit_em(model, series, prior, 2)
    shapes, chain = model.trajectories, model.chain
    short = make_series(series.mean[:7], [3, 4], 2, series.variance[:7])

    def log_piece(start, d, k):
        total = 0.0
        for i in range(d):
            p, t = int((i + 0.5) * 3 / d), start + i
            precision = 1 / shapes.variances[k, p]
            normal = stats.norm(shapes.means[k, p], np.sqrt(1 / precision))
            total += normal.logpdf(short.mean[t]).sum()
            total -= 0.5 * (precision * short.variance[t]).sum()
        return total

    expected = enumerate_cuts(chain, log_piece, [3, 4])["log_evidence"]
    pieces = model.pieces(short)
    found = semi_markov.log_evidence(chain, pieces, short.lengths)
    np.testing.assert_allclose(found, expected)
    rows = stats.norm(shapes.means, np.sqrt(shapes.variances)).logpdf(prior.mean)
    rows = rows - 0.5 * prior.variance / shapes.variances + 0.5 * np.log(2 * np.pi)
    expected = rows.sum() + (prior.durations * np.log(chain.duration_probs)).sum()
    expected += 0.1 * np.log(chain.initial_probs).sum()
    expected += 0.1 * np.log(chain.transition_matrix).sum()
    assert model.log_prior(prior) == pytest.approx(expected)


def test_the_end_is_a_maximum(noisy, rng):
    """No small change of any parameter improves it."""
    series, prior = noisy
    model = semi_markov_em.start(series, prior, 2, 3, rng)
    model, best = semi_markov_em.fit_em(model, series, prior, 2000, tol=1e-13)

    def changed(values, scale=1.0):
        return values * np.exp(scale * 1e-3 * rng.normal(size=values.shape))

    for _ in range(20):
        chain, shapes = model.chain, model.trajectories
        rows = chain.initial_probs, chain.transition_matrix, chain.duration_probs
        rows = [changed(each) for each in rows]
        rows = [each / each.sum(axis=-1, keepdims=True) for each in rows]
        noise = 1e-3 * rng.normal(size=shapes.means.shape)
        other = semi_markov_em.SemiMarkovModel(
            semi_markov.SemiMarkovChain(*rows),
            trajectories.Trajectories(shapes.means + noise, changed(shapes.variances)),
        )
        assert semi_markov_em.fit_em(other, series, prior, 0)[1] < best


def test_generated_series_are_cut_where_they_were_joined():
    x, labels, starts, lengths = repeated_pieces(np.random.default_rng(0))
    series = make_series(x, lengths, 3)
    prior = Prior.of(series, 4, 8.0, 16)
    rng = np.random.default_rng(0)
    model = semi_markov_em.fit(series, prior, (3, 8), rng, 2, 5)
    cut = semi_markov.most_probable_cut(model.chain, model.pieces(series), lengths)
    classes = np.repeat(cut[:, 2], cut[:, 1] - cut[:, 0])
    assert matching_accuracy(labels, classes) > 0.97
    assert len(cut) == len(starts)
    assert np.abs(cut[:, 0] - starts).max() <= 1
    # lengths of pieces are learned: they were drawn from 6 to 12 steps
    assert model.chain.duration_probs[:, 5:12].sum(axis=1).min() > 0.9


def test_one_start_without_annealing_is_worse():
    """What annealing is for: without it few random starts find these pieces."""
    x, _, _, lengths = repeated_pieces(np.random.default_rng(0), n_sequences=4)
    series = make_series(x, lengths, 3)
    prior, ends = Prior.of(series, 4, 8.0, 16), []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        model = semi_markov_em.start(series, prior, 3, 8, rng)
        annealed = semi_markov_em.anneal(model, series, prior)
        each = [
            semi_markov_em.fit_em(m, series, prior, 50)[1] for m in (model, annealed)
        ]
        ends.append(each)
    plain, annealed = np.transpose(ends)
    best = annealed.max()
    assert (annealed > best - 1e-2).sum() > (plain > best - 1e-2).sum()


def test_a_class_begun_anew_leaves_a_local_maximum():
    """Class 0 has two of the shapes, and the classes 1 and 2 share the third."""
    x, labels, starts, lengths = repeated_pieces(np.random.default_rng(0))
    series, prior = (
        make_series(x, lengths, 3),
        Prior.of(make_series(x, lengths, 3), 4, 8, 16),
    )
    pieces = np.zeros((len(x), 16, 3))
    durations = np.diff([*starts, len(x)])
    is_third = labels[starts] == 2
    classes = np.where(is_third, 1 + np.cumsum(is_third) % 2, 0)
    pieces[starts, durations - 1, classes] = 1
    even = np.ones(3), np.ones((3, 3))
    stuck = semi_markov_em.m_step(
        semi_markov.Expectations(pieces, *even, 0.0), series, prior, 8
    )
    stuck, low = semi_markov_em.fit_em(stuck, series, prior, 100)
    rng, ends = np.random.default_rng(0), []
    for _ in range(8):
        model = semi_markov_em.reseed(stuck, series, rng)
        model = semi_markov_em.anneal(model, series, prior, semi_markov_em.RESEED)
        ends.append(semi_markov_em.fit_em(model, series, prior, 100))
    model, high = max(ends, key=lambda pair: pair[1])
    scores = []
    for each in (stuck, model):
        cut = semi_markov.most_probable_cut(each.chain, each.pieces(series), lengths)
        found = np.repeat(cut[:, 2], cut[:, 1] - cut[:, 0])
        scores.append(matching_accuracy(labels, found))
    assert scores[0] < 0.85 and scores[1] > 0.97 and high > low + 0.1


def test_a_sample_has_whole_beginnings(rng):
    lengths = np.array([5, 30, 4, 12, 9])
    x = np.arange(60.0)[:, None]
    series = make_series(x, lengths, 2)
    assert series.sample(60, rng) is series
    found = set()
    for _ in range(50):
        part = series.sample(16, rng)
        assert 16 <= len(part) < 32 and len(part) == part.lengths.sum()
        for values in np.split(part.mean[:, 0], np.cumsum(part.lengths)[:-1]):
            first = np.flatnonzero(np.cumsum(lengths) - lengths == values[0])[0]
            assert len(values) == min(16, lengths[first])
            np.testing.assert_array_equal(np.diff(values), 1)
            found.add(int(first))
    assert found == {0, 1, 2, 3, 4}


def test_many_rows_are_fitted_from_a_sample(monkeypatch):
    x, labels, _, lengths = repeated_pieces(np.random.default_rng(0))
    monkeypatch.setattr(semi_markov_em, "START_ROWS", 300)
    series = make_series(x, lengths, 3)
    prior, rng = Prior.of(series, 4, 8.0, 16), np.random.default_rng(0)
    model = semi_markov_em.fit(series, prior, (3, 8), rng, 2, 5)
    cut = semi_markov.most_probable_cut(model.chain, model.pieces(series), lengths)
    classes = np.repeat(cut[:, 2], cut[:, 1] - cut[:, 0])
    assert matching_accuracy(labels, classes) > 0.97


def test_a_constant_column_and_short_sequences(rng):
    x = np.stack([rng.normal(size=9), np.full(9, 3.0)], axis=1)
    series = make_series(x, [2, 7], 2)
    prior = Prior.of(series, 1, 10.0, 20)
    model = semi_markov_em.fit(series, prior, (2, 8), rng, 2, 2)
    assert np.isfinite(model.pieces(series)[:, 0]).all()
    assert np.isfinite(model.trajectories.variances).all()
