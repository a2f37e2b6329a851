"""MLDA against enumeration, a collapsed sampler, scikit-learn and Serket's example."""

import itertools
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln, softmax
from sklearn.decomposition import LatentDirichletAllocation

import serket_bridge as srk
from serket_bridge.inference import topics as inference
from serket_bridge.inference.lda_gibbs import CollapsedGibbs, Tokens, log_joint, sweep
from serket_bridge.inference.lda_variational import VariationalLDA
from serket_bridge.inference.topics import Topics, WordCounts
from serket_bridge.scores import matching_accuracy

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "serket_mmlda.npz"
TINY = [np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[1.0], [0.0]])]
INFERENCES = [CollapsedGibbs(10, 2, 10), VariationalLDA(20, 2, 10)]
QUIET = {"verbose": False}


def words_of(arrays):
    """(object, modality, word) of every token."""
    return [
        (d, m, w)
        for m, array in enumerate(arrays)
        for d, row in enumerate(array)
        for w, count in enumerate(row)
        for _ in range(int(count))
    ]


def log_polya(counts, concentrations):
    """log of the Dirichlet-multinomial probability of tokens in order."""
    total = gammaln(np.sum(concentrations)) - gammaln(np.sum(concentrations + counts))
    return total + np.sum(gammaln(concentrations + counts) - gammaln(concentrations))


def log_p(arrays, z, prior, beta):
    """log p(words, z) of the topics z of `words_of`, object by object."""
    n_dk = np.zeros_like(prior)
    n_kw = [np.zeros((prior.shape[1], a.shape[1])) for a in arrays]
    for (d, m, w), k in zip(words_of(arrays), z, strict=True):
        n_dk[d, k] += 1
        n_kw[m][k, w] += 1
    total = sum(map(log_polya, n_dk, prior))
    return total + sum(
        log_polya(row, np.full(len(row), beta)) for n in n_kw for row in n
    )


def in_order(tokens, arrays):
    """The positions of the tokens of `Tokens` among those of `words_of`."""
    first = np.cumsum([0, *tokens.sizes])
    ours = zip(tokens.objects[tokens.places], tokens.words, strict=True)
    left = [(d, first[m] + w) for d, m, w in words_of(arrays)]
    order = []
    for token in ours:
        order.append(left.index(token))
        left[order[-1]] = None
    return order


@pytest.fixture(scope="module")
def groups():
    """60 objects of three kinds: counts of two modalities, and the labels."""
    rng, labels = np.random.default_rng(1), np.arange(60) % 3
    arrays = []
    for size, n in ((12, 40), (6, 25)):
        p = np.repeat(np.eye(3), size // 3, axis=1) + 0.05
        p /= p.sum(axis=1, keepdims=True)
        arrays.append(rng.multinomial(n, p[labels]).astype(float))
    return arrays, labels


def connected(arrays, **kwargs):
    names = ("sight", "sound")
    seen = [srk.Observation(a, n) for a, n in zip(arrays, names, strict=False)]
    mlda = srk.MLDA(3, **{"seed": 0, "inference": INFERENCES[0]} | kwargs)
    mlda.connect(*seen)
    return srk.MessageLoop([*seen, mlda])


# --- The sampler ----------------------------------------------------------------------


def test_log_joint_is_that_of_polya_urns(rng):
    arrays = [rng.integers(3, size=(4, 3)) * 1.0, rng.integers(3, size=(4, 2)) * 1.0]
    tokens = Tokens(WordCounts.from_arrays(arrays), rng)
    prior = rng.uniform(0.5, 2, (4, 3))
    z = rng.integers(3, size=len(words_of(arrays)))
    order = in_order(tokens, arrays)
    expected = log_p(arrays, z, prior, 0.7)
    value = log_joint(tokens, z[order], prior[tokens.objects], 0.7)
    assert value == pytest.approx(expected, rel=1e-10)


def test_the_chain_visits_topics_as_often_as_enumeration_says():
    """All 32 assignments of five tokens, with a prior that differs by object."""
    rng, prior = np.random.default_rng(3), np.array([[1.0, 0.5], [0.3, 1.2]])
    tokens = Tokens(WordCounts.from_arrays(TINY), rng)
    n = len(words_of(TINY))
    every = np.array(list(itertools.product(range(2), repeat=n)))
    p = softmax([log_p(TINY, z, prior, 0.8) for z in every])
    order, z, visited = in_order(tokens, TINY), np.zeros(n, int), []
    powers = 2 ** np.arange(n)[::-1][order]
    for _ in range(20_000):
        z, _ = sweep(tokens, z, prior[tokens.objects], 0.8, rng)
        visited.append(z @ powers)
    counts = np.bincount(visited[19::20], minlength=len(every))
    rare = p * counts.sum() < 5
    merged = [np.append(a[~rare], a[rare].sum()) for a in (counts, p * counts.sum())]
    assert stats.chisquare(*merged).pvalue > 1e-3


def collapsed_sweep(words, z, prior, sizes, beta, rng):
    """Token by token: p(z_i = k) ~ (n_dk + prior_dk) (n_kw + beta) / (n_k + V beta)."""
    n_topics = prior.shape[1]
    for i, (d, m, w) in enumerate(words):
        weights = np.empty(n_topics)
        for k in range(n_topics):
            n_dk = n_kw = n_k = 0
            for j, (other, modality, word) in enumerate(words):
                if j == i or z[j] != k:
                    continue
                n_dk += other == d
                n_k += modality == m
                n_kw += modality == m and word == w
            weights[k] = (n_dk + prior[d, k]) * (n_kw + beta) / (n_k + sizes[m] * beta)
        z[i] = rng.choice(n_topics, p=weights / weights.sum())
    return z


def test_the_posterior_is_that_of_a_collapsed_sampler():
    """log p(words, z) and the number of tokens that share the first one's topic."""
    rng, prior = np.random.default_rng(6), np.ones((3, 2))
    arrays = [np.array([[2.0, 1, 0], [0, 1, 2], [1, 0, 1]]), np.eye(3)[:, :2]]
    words, tokens = words_of(arrays), Tokens(WordCounts.from_arrays(arrays), rng)
    order, found = in_order(tokens, arrays), ([], [])
    z, ours = rng.integers(2, size=len(words)), rng.integers(2, size=len(words))
    for step in range(3000):
        z = collapsed_sweep(words, z, prior, (3, 2), 0.5, rng)
        ours, _ = sweep(tokens, ours, prior, 0.5, rng)
        if step % 6 == 5:
            mine = np.empty_like(ours)
            mine[order] = ours
            for chain, each in zip(found, (z, mine), strict=True):
                chain.append((log_p(arrays, each, prior, 0.5), np.sum(each == each[0])))
    one, other = map(np.array, found)
    for column in range(2):
        assert stats.ks_2samp(one[:, column], other[:, column]).pvalue > 1e-3 / 2


def test_fractions_are_rounded_without_bias(rng):
    counts = WordCounts.from_arrays([np.array([[0.3, 2.0, 1.75]])])
    sums = np.zeros(3)
    for _ in range(2000):
        sums += np.bincount(Tokens(counts, rng).words, minlength=3)
    assert sums[1] == 4000
    np.testing.assert_allclose(sums / 2000, [0.3, 2.0, 1.75], atol=4 * 0.5 / 2000**0.5)


# --- Variational Bayes ----------------------------------------------------------------


def test_one_modality_is_scikit_learns(groups, monkeypatch):
    """At convergence: on the way, the proportions of scikit-learn start at random."""
    monkeypatch.setattr(inference, "MAX_ITER", 1000)
    monkeypatch.setattr(inference, "TOLERANCE", 1e-9)
    x, alpha, beta = groups[0][0], 0.7, 0.4
    reference = LatentDirichletAllocation(
        3, doc_topic_prior=alpha, topic_word_prior=beta, max_iter=200, random_state=2,
        max_doc_update_iter=1000, mean_change_tol=1e-9,
    ).fit(x)  # fmt: skip
    start = np.random.RandomState(2).gamma(100.0, 0.01, (3, x.shape[1]))
    counts, prior = WordCounts.from_arrays([x]), np.full((60, 3), alpha)
    fit = VariationalLDA(200, tol=-np.inf)
    fit = fit(counts, prior, beta, {"concentrations": start}, None)
    ours = fit.topics.concentrations
    np.testing.assert_allclose(ours, reference.components_, rtol=1e-5)
    phi = fit.topics.geometric_mean()
    gamma = inference.infer_proportions(counts, phi, prior)
    theta = inference.proportions(gamma)
    np.testing.assert_allclose(theta, reference.transform(x), rtol=1e-5)
    bound = inference.log_likelihood_bound(counts, phi, prior, gamma).sum()
    assert bound - fit.topics.divergence(beta) == pytest.approx(reference.score(x))


def test_the_bound_rises_and_is_below_the_evidence():
    """log p(words) of five tokens by enumeration."""
    prior, beta = np.array([[1.0, 0.5], [0.3, 1.2]]), 0.8
    every = itertools.product(range(2), repeat=len(words_of(TINY)))
    exact = np.logaddexp.reduce([log_p(TINY, z, prior, beta) for z in every]) / 2
    counts, state, bounds = WordCounts.from_arrays(TINY), None, []
    for _ in range(5):
        fit = VariationalLDA(1, 1, 1, tol=-np.inf)
        fit = fit(counts, prior, beta, state, np.random.default_rng(0))
        state, bounds = fit.state, [*bounds, fit.bound]
    assert np.all(np.diff(bounds) > -1e-6)
    assert exact - 1.0 < bounds[-1] < exact


def test_sparse_counts_and_parts_give_the_same(groups, monkeypatch):
    monkeypatch.setattr(inference, "MAX_ITER", 1000)
    monkeypatch.setattr(inference, "TOLERANCE", 1e-9)
    counts = WordCounts.from_arrays(groups[0])
    model = counts, np.random.default_rng(0).dirichlet(np.ones(18), 3), np.ones((60, 3))
    results = []
    for dense, part in ((0.0, 2**21), (1.0, 2**21), (0.0, 7 * 18), (1.0, 7 * 18 * 3)):
        monkeypatch.setattr(inference, "DENSE", dense)
        monkeypatch.setattr(inference, "PART", part)
        gamma = inference.infer_proportions(*model)
        words = inference.expected_word_counts(*model[:2], gamma)
        bound = inference.log_likelihood_bound(*model, gamma)
        results.append(np.concatenate([gamma.ravel(), words.ravel(), bound]))
    assert {type(p) for _, p in counts.parts(3)} == {type(counts.matrix)}
    np.testing.assert_allclose(results[1:], [results[0]] * 3, rtol=1e-6)


def test_evidence_bounds_the_likelihood_given_the_topics():
    loop = connected(TINY, doc_topic_prior=0.6)
    loop.run(1, **QUIET)
    mlda = loop["mlda"]
    sizes, prior = (2, 1), np.full(3, 0.6)
    phi = np.split(mlda.topics.mean(), np.cumsum(sizes[:-1]), axis=1)
    exact = []
    for d in range(2):
        tokens = [(m, w) for each, m, w in words_of(TINY) if each == d]
        terms = []
        for z in itertools.product(range(3), repeat=len(tokens)):
            value = log_polya(np.bincount(z, minlength=3), prior)
            pairs = zip(tokens, z, strict=True)
            terms.append(value + sum(np.log(phi[m][k, w]) for (m, w), k in pairs))
        exact.append(np.logaddexp.reduce(terms))
    # scikit-learn's `score` has the same terms: see above
    assert np.mean(exact) - 1.2 < mlda.evidence() <= np.mean(exact) + 1e-9
    assert loop.rows[0]["elbo"] == pytest.approx(mlda.evidence())


# --- The module -----------------------------------------------------------------------


@pytest.mark.parametrize("method", INFERENCES, ids=["gibbs", "variational"])
def test_it_learns_recognises_and_predicts(groups, method):
    arrays, labels = groups
    loop = connected(arrays, inference=method)
    (row,) = loop.run(1, labels, **QUIET)
    assert row["accuracy"] > 0.95
    mlda = loop["mlda"]
    np.testing.assert_array_equal(mlda.classes, mlda.topic_proportions.argmax(axis=1))
    new = {"sight": arrays[0][:9], "sound": arrays[1][:9]}
    found = loop.recognize(new)["mlda"].topic_proportions
    np.testing.assert_allclose(found, mlda.topic_proportions[:9], atol=0.01)
    predicted = mlda.predict({"sight": arrays[0]})
    assert predicted.keys() == {"sound"}
    np.testing.assert_allclose(predicted["sound"].sum(axis=1), 1)
    assert np.mean(predicted["sound"].argmax(axis=1) // 2 == labels) > 0.95
    of_classes = mlda.predict(mlda.classes)["sight"]
    np.testing.assert_allclose(of_classes, Topics.mean(mlda.topics)[mlda.classes, :12])


def test_a_row_of_zeros_is_a_missing_modality(groups):
    arrays, _ = groups
    loop = connected(arrays, weights=[40, 25])
    loop.run(1, **QUIET)
    data = {"sight": arrays[0], "sound": np.zeros_like(arrays[1])}
    found = loop.recognize(data)["mlda"].topic_proportions
    given = loop["mlda"].infer({"sight": arrays[0]})
    np.testing.assert_allclose(found, given, atol=1e-3)
    assert loop["mlda"].evidence() is None


def test_a_backward_message_is_tokens_of_known_topics(groups, send_message):
    """S b_nk tokens of topic k, as words of a modality with one word for each topic."""
    arrays, _ = groups
    loop = connected(arrays, message_weight=7, doc_topic_prior=0.6)
    loop.run(1, **QUIET)
    mlda, log_prob = loop["mlda"], np.random.default_rng(0).normal(0, 2, (60, 3))
    send_message(mlda, log_prob)
    mlda.send()
    counts = WordCounts.from_arrays([*arrays, 7 * softmax(log_prob, axis=1)])
    phi, prior = np.hstack([mlda.topics.mean(), np.eye(3)]), np.full((60, 3), 0.6)
    expected = inference.proportions(inference.infer_proportions(counts, phi, prior))
    np.testing.assert_allclose(mlda.topic_proportions, expected, atol=1e-4)
    alone = inference.infer_proportions(mlda.inputs(), mlda.topics.mean(), prior)
    np.testing.assert_allclose(mlda.forward.prob, inference.proportions(alone))


def test_a_certain_backward_message_of_many_tokens_decides_the_topics(
    groups, send_message
):
    arrays, _ = groups
    loop = connected(arrays, message_weight=1000)
    mlda, classes = loop["mlda"], np.arange(60) // 20
    with np.errstate(divide="ignore"):
        send_message(mlda, np.log(np.eye(3)[classes]))
    mlda.step()
    np.testing.assert_array_equal(mlda.classes, classes)
    assert mlda.forward.prob.max() < 1 - 1e-3  # without the message


def test_what_it_sends_down_does_not_contain_what_came_up(groups):
    """Two GMMs: the message to each is a function of the words of the other."""
    arrays, labels = groups
    rng = np.random.default_rng(0)
    z = 8 * np.eye(3)[labels] + rng.standard_normal((60, 3))
    gmm, mlda = srk.GMM(3, seed=0), srk.MLDA(3, [50, 50], 10, seed=0)
    obs, sight = srk.Observation(z), srk.Observation(arrays[0], "sight")
    gmm.connect(obs)
    mlda.connect(gmm, sight)
    loop = srk.MessageLoop([obs, sight, gmm, mlda])
    assert loop.run(2, labels, **QUIET)[-1]["accuracy"] > 0.95
    message = gmm.backward_message(srk.Categorical.uniform(60, 3))
    expected = mlda.infer({"sight": arrays[0]}) @ mlda.topics.mean()[:, :3]
    np.testing.assert_allclose(message.prob, expected, atol=1e-3)
    predicted = mlda.predict({"sight": arrays[0]})["gmm"]
    assert np.abs(predicted - 8 * np.eye(3)[labels]).max() < 2
    assert loop.rows[-1]["elbo"] is None


def stacked(arrays, method):
    """Two MLDAs of one modality each, below a third."""
    names, settings = ("sight", "sound"), {"seed": 0, "inference": method}
    seen = [srk.Observation(a, n) for a, n in zip(arrays, names, strict=True)]
    lower = [srk.MLDA(3, [20], name=f"of_{n}", **settings) for n in names]
    top = srk.MLDA(3, [30, 30], name="top", **settings)
    for mlda, obs in zip(lower, seen, strict=True):
        mlda.connect(obs)
    top.connect(*lower)
    return srk.MessageLoop([*seen, *lower, top])


def assert_same_bits(one, other):
    for name in ("of_sight", "of_sound", "top"):
        ours, theirs = one[name], other[name]
        assert ours.metrics == theirs.metrics
        for attribute in ("topic_proportions", "classes"):
            pair = getattr(ours, attribute), getattr(theirs, attribute)
            np.testing.assert_array_equal(*pair)
        pair = ours.topics.concentrations, theirs.topics.concentrations
        np.testing.assert_array_equal(*pair)


@pytest.mark.parametrize("method", INFERENCES, ids=["gibbs", "variational"])
def test_it_is_saved_and_resumes_to_the_same_bits(groups, method, tmp_path):
    arrays, _ = groups
    whole, first, again = (stacked(arrays, method) for _ in range(3))
    for _ in range(3):
        whole.run(1, **QUIET)
    first.run(1, folder=tmp_path, **QUIET)
    loaded = srk.load(tmp_path, {"sight": arrays[0], "sound": arrays[1]})
    for _ in range(2):
        loaded.run(1, **QUIET)
    assert_same_bits(loaded, whole)
    again.run(1, folder=tmp_path, **QUIET)  # the same script once more
    for _ in range(2):
        again.run(1, **QUIET)
    assert_same_bits(again, whole)


RUN = """
import os, signal, sys
import numpy as np
from tests.bridge.test_mlda import INFERENCES, stacked
kill = lambda loop: len(loop.rows) == 1 and os.kill(os.getpid(), signal.SIGKILL)
arrays = np.load(sys.argv[1])
loop = stacked([arrays["sight"], arrays["sound"]], INFERENCES[0])
is_killed = sys.argv[3] == "killed"
loop.run(4, folder=sys.argv[2], verbose=False, after_round=kill if is_killed else None)
"""


@pytest.mark.slow
def test_killed_it_resumes_to_the_same_bits(groups, tmp_path):
    arrays, _ = groups
    np.savez(tmp_path / "x.npz", sight=arrays[0], sound=arrays[1])
    root = Path(__file__).resolve().parents[2]

    def run(folder, how):
        command = [sys.executable, "-c", RUN, tmp_path / "x.npz", tmp_path / folder]
        return subprocess.run([*command, how], cwd=root, check=False).returncode

    assert run("whole", "") == 0
    assert run("halves", "killed") == -signal.SIGKILL
    assert len(srk.load(tmp_path / "halves").rows) == 1
    assert run("halves", "") == 0
    data = {"sight": arrays[0], "sound": arrays[1]}
    halves, whole = (srk.load(tmp_path / name, data) for name in ("halves", "whole"))
    assert len(halves.rows) == len(whole.rows) > 1
    assert_same_bits(halves, whole)


def test_update_writes_serkets_files_and_recog_reads_them(groups, tmp_path):
    arrays, labels = groups
    with srk.output_dir(tmp_path):
        mlda = connected(arrays, category=labels)["mlda"]
        mlda.update()
        again = connected(arrays, mode="recog")["mlda"]
        again.update()
    folder = tmp_path / "module002_mlda"
    names = {"Pdz", "Pmdw[0]", "Pmdw[1]", "categories"}
    files = {f"{name}_{mode}.txt" for name in names for mode in ("learn", "recog")}
    files |= {"acc_learn.txt", "model.npz", "module.json"}
    assert {path.name for path in folder.iterdir()} == files
    assert np.loadtxt(folder / "Pmdw[1]_learn.txt").shape == (60, 6)
    np.testing.assert_array_equal(again.topic_proportions, mlda.topic_proportions)


@pytest.mark.parametrize(
    "arrays, kwargs, message",
    [
        ([np.array([[1.0, -1.0]])], {}, "mlda takes Counts .* from sight"),
        ([np.ones((2, 2)), np.ones((3, 2))], {}, "2 from sight, 3 from sound"),
        ([np.ones((2, 2))], {"weights": [1, 2]}, "weights .* each of sight"),
        ([np.ones((2, 2))], {"category": [0]}, "category must have 2 labels"),
        (
            [np.ones((2, 2))],
            {"topic_word_prior": 0},
            "topic_word_prior must be a number > 0",
        ),
        (
            [np.ones((2, 2))],
            {"message_weight": np.inf},
            "message_weight must be a number > 0",
        ),
        ([np.ones((2, 2))], {"weights": [-1]}, "weights must be numbers > 0"),
    ],
)
def test_what_is_wrong_is_refused_by_name(arrays, kwargs, message):
    with pytest.raises(ValueError, match=message):
        connected(arrays, **kwargs)["mlda"].step()


def test_predict_refuses_unknown_modalities_and_classes(groups):
    loop = connected(groups[0])
    loop.run(1, **QUIET)
    for value, message in (
        ({"touch": np.ones((2, 2))}, "among sight, sound"),
        ({"sight": np.ones((2, 2))}, r"sight must be counts >= 0 of the shape \(2, 12"),
        ([3], "classes must be integers from 0 to 2"),
        (np.ones((2, 2)), r"shape \(n, 3\)"),
    ):
        with pytest.raises(ValueError, match=message):
            loop["mlda"].predict(value)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="Serket's mMLDA data are not there")
def test_serkets_example():
    """Object of Serket's own code .78, .66, .62 (seeds 0 to 2)."""
    data, accuracies = np.load(DATA), []
    for seed in range(3):
        names = ("vision", "audio", "tactile")
        seen = [srk.Observation(data[name], name) for name in names]
        mlda = srk.MLDA(10, [200, 200, 100], 50, seed=seed)
        mlda.connect(*seen)
        mlda.step()
        accuracies.append(matching_accuracy(data["object_category"], mlda.classes))
    assert np.median(accuracies) >= 0.66
