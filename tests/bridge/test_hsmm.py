"""The semi-Markov model as a module: messages and evidence by sums over all cuts."""

import numpy as np
import pytest
from scipy import stats

import serket_bridge as srk
from serket_bridge.gmm import class_mean_message, collapsed_gaussian_message
from tests.bridge.conftest import repeated_pieces
from tests.bridge.semi_markov_cuts import enumerate_cuts

LENGTHS = [4, 1, 5]
SETTINGS = {"max_duration": 3, "n_positions": 2, "n_init": 1, "n_reseeds": 0, "itr": 3}
SETTINGS |= {"seed": 0}


class Latents(srk.Module):
    """Sends Gaussians forward, always the same."""

    def __init__(self, mean, precision, name="below"):
        super().__init__(name)
        self.forward, self.learned = srk.Gaussian(mean, precision), True

    def send(self):
        """The message never changes."""


def make(parent, **options):
    module = srk.HSMM(2, **SETTINGS | {"lengths": LENGTHS} | options)
    module.connect(parent)
    return module


@pytest.fixture
def x(rng):
    return np.cumsum(rng.normal(size=(sum(LENGTHS), 2)), axis=0).astype(np.float32)


def enumerate_module(module, x, variance=0.0, log_prior=None):
    """By sums over all cuts; log_prior: (n, K), nats, of the class of each step."""
    shapes, n_positions = module.model.trajectories, module.n_positions
    x = np.asarray(x, float)
    log_prior = np.zeros((len(x), module.K)) if log_prior is None else log_prior
    variance = np.broadcast_to(variance, x.shape)

    def log_piece(start, d, k):
        total = log_prior[start : start + d, k].sum()
        for i in range(d):
            p = int((i + 0.5) * n_positions / d)
            scale = np.sqrt(shapes.variances[k, p])
            total += stats.norm.logpdf(x[start + i], shapes.means[k, p], scale).sum()
            total -= 0.5 * (variance[start + i] / shapes.variances[k, p]).sum()
        return total

    return enumerate_cuts(module.model.chain, log_piece, module.lengths)


def test_above_data_the_evidence_is_log_p(x):
    module = make(srk.Observation(x))
    module.update()
    expected = enumerate_module(module, x)
    log_p = expected["log_evidence"].sum() / len(x)
    assert module.evidence() == pytest.approx(log_p)
    assert module.metrics["bound"] == pytest.approx(log_p)
    np.testing.assert_allclose(module.responsibilities, expected["steps"], atol=1e-9)
    np.testing.assert_allclose(module.forward.prob, expected["steps"], atol=1e-9)
    classes = expected["steps"].argmax(axis=1)
    np.testing.assert_array_equal(module.classes, classes)
    np.testing.assert_array_equal(module.segments, expected["best"])


def test_above_latents_the_evidence_is_the_bound_of_q(x, rng):
    """The entropy of q and E_q of the log density; its classes are those of q."""
    precision = rng.gamma(2.0, size=x.shape)
    module = make(Latents(x, precision))
    module.update()
    expected = enumerate_module(module, x, 1 / precision)
    entropy = stats.norm.entropy(scale=1 / np.sqrt(precision)).sum()
    bound = (expected["log_evidence"].sum() + entropy) / len(x)
    assert module.evidence() == pytest.approx(bound)
    np.testing.assert_allclose(module.responsibilities, expected["steps"], atol=1e-9)


def test_a_message_from_above_is_evidence_and_is_not_sent_back(x, rng, send_message):
    module = make(srk.Observation(x))
    b = rng.dirichlet(np.ones(2), len(x))
    child = send_message(module, np.log(b))
    module.update()
    expected = enumerate_module(module, x, log_prior=np.log(2 * b))
    np.testing.assert_allclose(module.responsibilities, expected["steps"], atol=1e-9)
    log_p = expected["log_evidence"].sum() / len(x)
    assert module.metrics["bound"] == pytest.approx(log_p)
    assert module.evidence() is None  # two distributions of the classes
    product = (module.forward * child.message).prob
    np.testing.assert_allclose(product, module.responsibilities)
    for row in range(len(x)):  # the message of a row is as if it were silent
        log_prior = np.log(2 * b)
        log_prior[row] = 0
        steps = enumerate_module(module, x, log_prior=log_prior)["steps"]
        np.testing.assert_allclose(module.forward.prob[row], steps[row], atol=1e-9)


def test_classes_that_are_known_from_above(x, send_message):
    """A message of certain classes, -inf for the other, is obeyed and finite."""
    module, known = make(srk.Observation(x)), np.arange(len(x)) // 3 % 2
    with np.errstate(divide="ignore"):
        child = send_message(module, np.log(np.eye(2)[known]))
    module.update()
    np.testing.assert_array_equal(module.classes, known)
    assert child.name == "child" and np.isfinite(module.metrics["bound"])


@pytest.mark.parametrize("message", [class_mean_message, collapsed_gaussian_message])
def test_the_message_backward_is_that_of_a_mixture_of_positions(x, message):
    below = srk.Observation(x)
    module = make(below, message=message)
    module.update()
    shapes, steps = module.model.trajectories, np.zeros((len(x), 2, 2))
    probs = enumerate_module(module, x)["pieces"]
    for start, d, k in np.argwhere(probs):
        for i in range(d + 1):
            steps[start + i, k, int((i + 0.5) * 2 / (d + 1))] += probs[start, d, k]
    if message is class_mean_message:
        most_probable = steps.reshape(len(x), 4).argmax(axis=1)
        mean, precision = shapes.means.reshape(4, 2)[most_probable], 1.0
    else:
        precision = np.einsum("nkp,kpd->nd", steps, 1 / shapes.variances)
        weighted = shapes.means / shapes.variances
        mean = np.einsum("nkp,kpd->nd", steps, weighted) / precision
    np.testing.assert_allclose(module.prior.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(module.prior.precision, precision + 0 * mean, rtol=1e-6)
    assert below._backward[module] is module.prior


# --- Loops, files ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def pieces():
    return repeated_pieces(np.random.default_rng(0), n_sequences=4)


def pieces_loop(x, lengths, **options):
    obs = srk.Observation(x)
    settings = {"max_duration": 16, "min_duration": 4, "n_init": 2, "n_reseeds": 5}
    settings |= {"seed": 0}
    hsmm = srk.HSMM(3, lengths=[*lengths], **settings | options)
    hsmm.connect(obs)
    return srk.MessageLoop([obs, hsmm])


def test_a_loop_cuts_series_and_recognises_new_ones(pieces):
    x, labels, starts, lengths = pieces
    loop = pieces_loop(x, lengths)
    rows = loop.run(3, labels, verbose=False)
    assert rows[-1]["accuracy"] > 0.97
    # EM climbs likelihood times prior
    assert np.diff([row["elbo"] for row in rows]).min() > -1e-3
    assert len(loop["hsmm"].segments) == len(starts)
    again = loop.recognize(x)["hsmm"]
    np.testing.assert_array_equal(again.segments, loop["hsmm"].segments)
    with pytest.raises(ValueError, match="hsmm: lengths must add up to the 50 rows of"):
        loop.recognize(x[:50])
    new, new_labels, _, lengths = repeated_pieces(np.random.default_rng(5), 2)
    loop["hsmm"].lengths = lengths.tolist()
    found = loop.recognize(new)["hsmm"]
    assert found.model is loop["hsmm"].model
    score = srk.scores.matching_accuracy
    assert score(new_labels, found.classes) > 0.97
    everything = np.concatenate([labels, new_labels])
    classes = np.concatenate([loop["hsmm"].classes, found.classes])
    assert score(everything, classes) > 0.97  # the classes are the same ones


def test_update_writes_files_and_recog_reads_them(pieces, tmp_path):
    x, _, _, lengths = pieces
    obs, hsmm = pieces_loop(x, lengths).modules
    with srk.output_dir(tmp_path):
        hsmm.update()
        folder = tmp_path / "module001_hsmm"
        segm = np.loadtxt(folder / "segm_learn.txt", dtype=int)
        ends = np.flatnonzero(segm[:, 1]) + 1
        np.testing.assert_array_equal(ends, hsmm.segments[:, 1])
        np.testing.assert_array_equal(segm[ends - 1, 0], hsmm.segments[:, 2])
        classes = np.loadtxt(folder / "class_learn.txt", dtype=int)
        np.testing.assert_array_equal(classes, hsmm.classes)
        probs = np.loadtxt(folder / "Pdz_learn.txt")
        np.testing.assert_array_equal(probs, hsmm.responsibilities)
        mean = np.loadtxt(folder / "mu_learn.txt")
        np.testing.assert_array_equal(mean, hsmm.prior.mean)

        n = int(lengths[0])
        obs, new = srk.Observation(x[:n]), srk.HSMM(3, 16, min_duration=4, mode="recog")
        new.connect(obs)
        new.update()
        assert (folder / "segm_recog.txt").exists()
    shapes = hsmm.model.trajectories
    np.testing.assert_array_equal(new.model.trajectories.means, shapes.means)
    first = hsmm.segments[hsmm.segments[:, 1] <= n]
    np.testing.assert_array_equal(new.segments, first)


def test_a_loop_continues_to_the_same_bits(pieces, tmp_path):
    x, _, _, lengths = pieces
    options = {
        "itr": 1,
        "n_init": 1,
        "n_reseeds": 1,
        "message": collapsed_gaussian_message,
    }
    whole, half = (pieces_loop(x, lengths, **options) for _ in range(2))
    whole.run(3, verbose=False)
    half.run(1, folder=tmp_path, verbose=False)
    loaded = srk.load(tmp_path, data=np.float32(x))
    loaded.run(3, folder=tmp_path, verbose=False)
    one, other = whole["hsmm"], loaded["hsmm"]
    assert other.lengths == lengths.tolist()
    assert other.message is collapsed_gaussian_message
    for part in ("chain", "trajectories"):
        for name, values in vars(getattr(one.model, part)).items():
            found = getattr(getattr(other.model, part), name)
            np.testing.assert_array_equal(found, values)
    for name in ("responsibilities", "segments", "classes"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.prior.mean, other.prior.mean)
    assert whole.rows[-1]["elbo"] == loaded.rows[-1]["elbo"]
    settings = ("K", "max_duration", "min_duration", "mean_duration", "n_positions")
    for name in settings:
        assert getattr(one, name) == getattr(other, name)


def test_the_same_seed_has_the_same_bits(pieces):
    x, _, _, lengths = pieces
    one, other = (
        pieces_loop(x, lengths, itr=1, n_init=2, n_reseeds=1) for _ in range(2)
    )
    for loop in (one, other):
        loop.run(1, verbose=False)
    shapes = [loop["hsmm"].model.trajectories.means for loop in (one, other)]
    np.testing.assert_array_equal(*shapes)


def test_a_chain_above_reads_the_classes(pieces):
    x, labels, _, lengths = pieces
    loop = pieces_loop(x, lengths)
    mm = srk.Markov(lengths=[*lengths], seed=0)
    mm.connect(loop["hsmm"])
    loop = srk.MessageLoop([*loop.modules, mm])
    rows = loop.run(2, labels, verbose=False)
    assert rows[-1]["accuracy"] > 0.97 and len(mm.classes) == len(x)
    assert rows[-1]["elbo"] is None and "hsmm" in loop.elbo_reason


def test_predict_stretches_trajectories_to_runs_of_classes(pieces):
    x, _, _, lengths = pieces
    loop = pieces_loop(x, lengths, n_init=1, itr=1, n_positions=4)
    loop.run(1, verbose=False)
    means = loop["hsmm"].model.trajectories.means
    found = loop["hsmm"].predict([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    expected = np.concatenate([np.repeat(means[1], 2, axis=0), means[0]])
    np.testing.assert_array_equal(found, expected)
    for wrong in ([3], [-1], [0.5]):
        with pytest.raises(ValueError, match="classes must be integers from 0 to 2"):
            loop["hsmm"].predict(wrong)


# --- Refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, error",
    [
        ({"K": 0}, "K must be an integer >= 1"),
        ({"max_duration": 0}, "max_duration must be an integer >= 1"),
        ({"itr": 0}, "itr must be an integer >= 1"),
        ({"n_positions": 0}, "n_positions must be an integer >= 1"),
        ({"n_init": 0}, "n_init must be an integer >= 1"),
        ({"n_reseeds": -1}, "n_reseeds must be an integer >= 0"),
        ({"lengths": [3, 0]}, "lengths must be an integer >= 1"),
        ({"min_duration": 21}, "at most max_duration, 20. Received: 21"),
        ({"mean_duration": 2}, "must be a number from 5 to 20. Received: 2"),
        ({"mean_duration": 2.5, "max_duration": 2}, "number from 1 to 2"),
    ],
)
def test_arguments_are_checked(options, error):
    with pytest.raises(ValueError, match=error):
        srk.HSMM(**{"K": 3} | options)


def test_wrong_inputs_are_refused_with_both_names(x):
    with pytest.raises(ValueError, match="hsmm: lengths must add up to the 10 rows of"):
        make(srk.Observation(x), lengths=[9]).update()
    module = make(srk.Observation(x[:, None]))
    with pytest.raises(ValueError, match=r"hsmm takes latents of the shape \(n, lat"):
        module.update()
    module = make(srk.Observation(x), min_duration=2, lengths=None)
    module.update()
    module.lengths = LENGTHS
    error = "a sum of pieces of 2 to 3 steps .*. Received: one of 1 steps"
    with pytest.raises(ValueError, match=error):
        module.update()
    module.lengths = None
    module.connect(srk.Observation(x[:, :1], "line"))
    with pytest.raises(ValueError, match="hsmm has learned 2 dimensions, .* from line"):
        module.update()
    gmm = srk.GMM(2)
    gmm.connect(srk.Observation(x))
    with pytest.raises(ValueError, match="hsmm cannot be connected to gmm: it takes G"):
        srk.HSMM(2).connect(gmm)


def test_recog_without_a_folder_is_a_sentence(x):
    with pytest.raises(ValueError, match="hsmm has learned nothing yet"):
        make(srk.Observation(x), mode="recog").update()


def test_above_a_vae(pieces):
    """It is trained with the positions of the pieces as the prior of its latents."""
    x, _, _, lengths = pieces
    n = int(lengths[0])
    options = {"RE": "MSE", "hidden_encoder_dim": 8, "seed": 1}
    obs, vae = srk.Observation(x[:n]), srk.VAE(2, itr=2, **options)
    settings = {"max_duration": 16, "n_init": 1, "n_reseeds": 0, "itr": 2}
    hsmm = srk.HSMM(3, message=collapsed_gaussian_message, seed=0, **settings)
    vae.connect(obs)
    hsmm.connect(vae)
    loop = srk.MessageLoop([obs, vae, hsmm])
    rows = loop.run(2, verbose=False)
    assert np.isfinite([row["elbo"] for row in rows]).all()
    assert vae._backward[hsmm].mean.shape == (n, 2)
    np.testing.assert_array_equal(loop.recognize(x[:n])["hsmm"].segments[0, 0], 0)
    assert hsmm.predict(hsmm.classes).shape == (n, 2)


def test_every_learn_reports_all_its_steps(x):
    module, called = make(srk.Observation(x), n_init=2, n_reseeds=3), []
    for round_number in (1, 2):
        module.step(lambda: called.append(1))
        assert len(called) == 5 * round_number == module.n_steps * round_number
