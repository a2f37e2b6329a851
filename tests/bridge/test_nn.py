"""The supervised network: its messages and evidence by enumeration and closed forms."""

import keras
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp, softmax

import serket_bridge as srk
from serket_bridge import Categorical, Gaussian, supervised
from serket_bridge.inference.em import EM

N, K, M = 40, 3, 4


@srk.register
class Sender(srk.Module):
    """Sends one forward message, always the same."""

    saved_state = ("forward",)

    def __init__(self, message=None, name="below"):
        super().__init__(name)
        self.forward, self.learned = message, True
        self.output_message = type(message)

    def send(self):
        """The message never changes."""

    def evidence(self):
        """Of p(x, c) = the message, with a factor K b for the message from above."""
        b = self.backward_message(
            Categorical.uniform(len(self.forward), self.forward.dim)
        )
        return float(self.forward.log_overlap(b).mean())


class Topic(srk.Module):
    """p(a) p(y|a) above a module with classes y, exactly."""

    input_message = output_message = Categorical

    def __init__(self, prior, table):
        super().__init__("topic")
        self.prior, self.table = prior, table

    def send(self):
        below = self.inputs()[0].log_prob[:, None] + np.log(self.table)
        self.forward = Categorical(logsumexp(below, axis=2) + np.log(self.prior))
        self.sent = Categorical(np.log(np.tile(self.prior @ self.table, (N, 1))))
        self.send_backward(self.parents[0], self.sent)

    def evidence(self):
        (below,) = self.inputs()
        total = np.log((below.prob @ self.table.T) @ self.prior)
        return float((total - below.log_overlap(self.sent)).mean())


@pytest.fixture
def classes(rng):
    return Categorical(rng.normal(size=(N, K)))


@pytest.fixture
def labels(rng):
    return rng.integers(M, size=N)


def linear(n_inputs, n_outputs, seed=0, name="linear"):
    """A linear network of weights that are not small."""
    layers = [keras.Input((n_inputs,)), keras.layers.Dense(n_outputs)]
    model = keras.Sequential(layers, name=name)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def of_classes(message, target=None, **options):
    """A network above a module that sends classes, in the mode recog: as it is."""
    below = Sender(message)
    nn = srk.NN(**{"model": linear(K, M), "mode": "recog", "seed": 0} | options)
    nn.learned = True
    parents = [below] if target is None else [below, srk.Observation(target, "labels")]
    nn.connect(*parents)
    return nn, [*reversed(parents), nn]


def table(nn):
    """p(y|c), (K, M), of a linear network: softmax of the rows of its kernel + bias."""
    kernel, bias = nn.model.get_weights()
    return softmax(np.float64(kernel + bias), axis=1)


# --- Classes: by enumeration ----------------------------------------------------------


def test_messages_and_evidence_of_labels_are_sums_over_the_classes(classes, labels):
    nn, modules = of_classes(classes, labels[:, None], output=Categorical)
    (row,) = srk.MessageLoop(modules).run(1, verbose=False)
    likelihood = table(nn)[:, labels].T  # p(y_n | c), (N, K)
    np.testing.assert_allclose(nn.forward.prob, classes.prob @ table(nn), rtol=1e-5)
    expected = likelihood / likelihood.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(nn.prior.prob, expected, rtol=1e-5)
    log_p = np.log((classes.prob * likelihood).sum(axis=1)).mean()
    assert row["elbo"] == pytest.approx(log_p, rel=1e-5)


def test_messages_and_evidence_of_real_values_too(classes, rng):
    y = rng.normal(size=(N, M))
    nn, modules = of_classes(classes, y)
    nn.variance = 0.7
    (row,) = srk.MessageLoop(modules).run(1, verbose=False)
    kernel, bias = nn.model.get_weights()
    means = np.float64(kernel + bias)
    normal = stats.multivariate_normal(np.zeros(M), 0.7)
    log_l = np.stack([normal.logpdf(np.float32(y) - mean) for mean in means], axis=1)
    np.testing.assert_allclose(nn.prior.prob, softmax(log_l, axis=1), rtol=1e-4)
    log_p = logsumexp(np.log(classes.prob) + log_l, axis=1).mean()
    assert row["elbo"] == pytest.approx(log_p, rel=1e-5)
    np.testing.assert_allclose(nn.forward.mean, classes.prob @ means, rtol=1e-5)
    spread = classes.prob @ means**2 - (classes.prob @ means) ** 2 + 0.7
    np.testing.assert_allclose(1 / nn.forward.precision, spread, rtol=1e-5)


@pytest.mark.parametrize("rounds", [1, 3])
def test_between_two_modules_the_bound_is_log_p(classes, rng, rounds):
    """p(c, x) below, p(y|c) of the network, p(a) p(y|a) above: sums over c, y and a."""
    nn, modules = of_classes(classes, output=Categorical)
    topic = Topic(rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(M), 2))
    topic.connect(nn)
    loop = srk.MessageLoop([*modules, topic])
    loop.run(rounds, verbose=False)
    joint = np.einsum(
        "nk,km,am,a->nkma", classes.prob, table(nn), topic.table, topic.prior
    )
    log_p = np.log(joint.sum(axis=(1, 2, 3))).mean()
    assert loop.rows[-1]["elbo"] == pytest.approx(log_p, abs=1e-5)
    nn.step()
    below = nn.parents[0]
    found = (below.forward * below._backward[nn]).prob
    expected = joint.sum(axis=(2, 3))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_above_a_mixture_the_bound_is_log_p_of_both_data(overlapping, rng):
    """log sum_k pi_k N_k(z) p(y|k), with the labels as a second view."""
    z, y = overlapping[:N], rng.integers(M, size=N)
    obs, target = srk.Observation(z), srk.Observation(y[:, None], "labels")
    gmm = srk.GMM(K, inference=EM(n_init=2), seed=0)
    nn = srk.NN(itr1=40, output=Categorical, learning_rate=0.1, hidden_dims=(), seed=0)
    gmm.connect(obs)
    nn.connect(gmm, target)
    loop = srk.MessageLoop([obs, target, gmm, nn])
    rows = loop.run(3, verbose=False)
    log_joint = gmm.mixture.log_joint(np.float64(np.float32(z)))
    log_p = logsumexp(log_joint + np.log(table(nn)[:, y].T), axis=1).mean()
    assert rows[-1]["elbo"] == pytest.approx(log_p, rel=1e-5)
    gmm.send()  # it reads the message of the network
    expected = softmax(log_joint + np.log(table(nn)[:, y].T), axis=1)
    np.testing.assert_allclose(gmm.responsibilities, expected, rtol=1e-4, atol=1e-7)


def test_learning_is_em(classes, labels):
    """Rounds of it approach the table that twenty lines of EM find."""
    nn, modules = of_classes(classes, labels[:, None], output=Categorical, mode="learn")
    nn.itr1, nn.learning_rate, nn.history = 200, 0.05, []
    loop = srk.MessageLoop(modules)
    rows = [loop.run(1, verbose=False)[0]["elbo"] for _ in range(6)]
    expected = np.full((K, M), 1 / M)
    for _ in range(6):
        r = classes.prob * expected[:, labels].T
        r /= r.sum(axis=1, keepdims=True)
        counts = r.T @ np.eye(M)[labels]
        expected = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(table(nn), expected, atol=0.01)
    assert np.diff(rows).min() > -1e-4
    log_p = np.log((classes.prob * expected[:, labels].T).sum(axis=1)).mean()
    assert nn.metrics["log_likelihood"] == pytest.approx(log_p, abs=1e-3)


def test_real_targets_of_classes_are_their_means(classes, rng):
    centres = 3 * rng.normal(size=(K, M))
    known = Categorical(np.log(np.eye(K)[np.arange(N) % K] + 1e-9))
    y = centres[np.arange(N) % K] + 0.5 * rng.normal(size=(N, M))
    nn, modules = of_classes(known, y, mode="learn")
    nn.itr1, nn.learning_rate = 300, 0.1
    srk.MessageLoop(modules).run(1, verbose=False)
    means = np.stack([y[k::K].mean(axis=0) for k in range(K)])
    np.testing.assert_allclose(nn.predict_target(np.eye(K)), means, atol=0.01)
    residual = np.square(y - means[np.arange(N) % K]).mean()
    assert nn.variance == pytest.approx(residual, rel=1e-3)
    np.testing.assert_allclose(nn.predicted, means[np.arange(N) % K], atol=0.02)


# --- Real inputs: closed forms --------------------------------------------------------


@pytest.fixture
def latents(rng):
    return Gaussian(rng.normal(size=(N, 2)), rng.gamma(5.0, size=(N, 2)))


def of_latents(message, target, **options):
    below = Sender(message)
    options = {"model": linear(2, M), "mode": "recog", "seed": 0} | options
    nn = srk.NN(**options)
    nn.learned = True
    nn.connect(below, srk.Observation(target, "labels"))
    return nn


def test_the_message_of_a_linear_network_is_exact(latents, rng):
    y = np.float32(rng.normal(size=(N, M)))
    nn = of_latents(latents, y)
    nn.variance = 0.4
    nn.step()
    kernel, bias = map(np.float64, nn.model.get_weights())
    precision = kernel @ kernel.T / 0.4 + np.eye(2)
    mean = np.linalg.solve(precision, kernel @ (y - bias).T / 0.4).T
    np.testing.assert_allclose(nn.prior.mean, mean, rtol=1e-3, atol=1e-4)
    expected = np.tile(np.diag(precision), (N, 1))
    np.testing.assert_allclose(nn.prior.precision, expected, rtol=1e-3)
    # the prediction: E[y] and its variance over q(z)
    np.testing.assert_allclose(nn.forward.mean, latents.mean @ kernel + bias, rtol=1e-4)
    spread = (1 / latents.precision) @ kernel**2 + 0.4
    np.testing.assert_allclose(1 / nn.forward.precision, spread, rtol=1e-4)


def test_a_second_prior_is_not_sent(latents, rng):
    """Where another module has a density of z, N(0, I) is no part of the message."""
    y = np.float32(rng.normal(size=(N, M)))
    nn = of_latents(latents, y)
    other = of_latents(latents, y, model=linear(2, M, 1, "other"), name="other")
    other.connect(nn.parents[0], nn.parents[1])
    assert nn.sends_prior and not other.sends_prior
    gmm = srk.GMM(2, seed=0)
    gmm.connect(nn.parents[0])
    assert not nn.sends_prior
    nn.step()
    kernel, bias = map(np.float64, nn.model.get_weights())
    precision = kernel @ kernel.T + supervised.WEAK * np.eye(2)
    np.testing.assert_allclose(
        nn.prior.precision, np.tile(np.diag(precision), (N, 1)), rtol=1e-3
    )
    mean = np.linalg.lstsq(kernel.T, (y - bias).T)[0].T  # what y alone says of z
    np.testing.assert_allclose(nn.prior.mean, mean, atol=0.05)


def test_unknown_labels_say_nothing(latents, labels):
    known = labels.copy()
    known[::2] = -1
    nn = of_latents(latents, known[:, None], output=Categorical)
    nn.step()
    np.testing.assert_allclose(nn.prior.mean[::2], 0, atol=1e-5)
    np.testing.assert_allclose(nn.prior.precision[::2], 1, rtol=1e-5)
    assert np.all(nn.prior.precision[1::2] >= 1)
    assert np.abs(nn.prior.mean[1::2]).max() > 0.1
    rows = np.where(known[:, None] < 0, 0, np.eye(M)[known])  # the same, as rows
    same = of_latents(latents, 3 * rows, output=Categorical)
    same.step()
    np.testing.assert_array_equal(same.prior.mean, nn.prior.mean)
    correction = latents.expected_log_prob(Gaussian.standard(N, 2)) - (
        latents.expected_log_prob(nn.prior)
    )
    own = N * nn.evidence() - correction.sum()  # sum of E_q[log p(y|z)]
    terms = [log_p for *_, log_p in expected_log_p(nn, labels)]
    assert own == pytest.approx(np.sum(terms[1::2]), rel=1e-5)


def expected_log_p(nn, labels):
    """The mean of log p(y|z) over the points of z, for each example."""
    (part,) = nn.parts()
    log_p = np.log(softmax(part[1], axis=2))  # (points, N, M)
    for n, label in enumerate(labels):
        yield n, log_p[:, n, label].mean()


def test_unknown_labels_teach_nothing(latents, labels):
    known = labels.copy()
    known[::2] = -1
    found = []
    for part, values in ((slice(None), known), (slice(1, None, 2), labels[1::2])):
        message = Gaussian(latents.mean[part], latents.precision[part])
        options = {"mode": "learn", "itr1": 100, "learning_rate": 0.05}
        nn = of_latents(message, values[:, None], output=Categorical, **options)
        nn.step()
        found.append(nn.predict_target(latents.mean))
    np.testing.assert_allclose(*found, atol=1e-3)


def test_the_message_of_labels_raises_their_likelihood(latents, labels):
    nn = of_latents(latents, labels[:, None], output=Categorical)
    nn.step()
    rows = np.arange(N)
    before = nn.predict_target(np.zeros((N, 2)))[rows, labels]
    after = nn.predict_target(nn.prior.mean)[rows, labels]
    assert np.all(after > before) and after.mean() > before.mean() + 0.05


def test_parts_of_the_examples_give_the_same(latents, labels, monkeypatch):
    nn = of_latents(latents, labels[:, None], output=Categorical)
    nn.step()
    whole, evidence = (nn.forward.log_prob, nn.prior.mean), nn.evidence()
    monkeypatch.setattr(supervised, "CHUNK", 2 * 2 * M * 7)  # seven rows
    nn.step()
    assert len(list(nn.parts())) == 6
    for found, expected in zip(
        (nn.forward.log_prob, nn.prior.mean), whole, strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert nn.evidence() == pytest.approx(evidence, rel=1e-5)


def vae_and_nn(prints, gmm=False, **options):
    x, labels = prints
    obs, target = srk.Observation(x), srk.Observation(np.eye(3)[labels], "labels")
    settings = {"itr": 4, "batch_size": 50, "learning_rate": 0.02, "seed": 1}
    vae = srk.VAE(2, **settings)
    settings = {"itr1": 4, "batch_size1": 50, "learning_rate": 0.02, "seed": 2}
    nn = srk.NN(**settings | options)
    vae.connect(obs)
    nn.connect(vae, target)
    modules = [obs, target, vae, nn]
    if gmm:
        modules.insert(3, srk.GMM(3, inference=EM(n_init=2), seed=2))
        modules[3].connect(vae)
    return srk.MessageLoop(modules)


@pytest.mark.parametrize("gmm", [False, True])
def test_above_a_vae_the_bound_is_that_of_both_data(prints, gmm):
    """E_q[log p(x|z) + log p(y|z)] - KL; of linear f, E_q[log p(y|z)] is known."""
    loop = vae_and_nn(prints, gmm, hidden_dims=())
    rows = loop.run(2, verbose=False)
    vae, nn = loop["vae"], loop["nn"]
    q, y = vae.posterior, np.eye(3)[prints[1]]
    kernel, bias = map(np.float64, nn.model.get_weights())
    residual = np.square(y - q.mean @ kernel - bias).sum(axis=1)
    spread = ((1 / q.precision) @ kernel**2).sum(axis=1)
    s2 = nn.variance
    log_py = -0.5 * ((residual + spread) / s2 + 3 * np.log(2 * np.pi * s2)).mean()
    if gmm:
        rest = vae.evidence() + loop["gmm"].evidence()
    else:
        inputs = vae.training_inputs(vae.observed()[0])
        zero, one = np.zeros((120, 2), "float32"), np.ones((120, 2), "float32")
        inputs |= {"prior_mean": zero, "prior_precision": one}
        terms = vae.model.evaluate(inputs, batch_size=1024, verbose=0, return_dict=True)
        rest = terms["log_likelihood"] - terms["kl"]
    assert rows[-1]["elbo"] == pytest.approx(rest + log_py, abs=2e-3)


def test_the_vae_learns_latents_that_explain_the_target(prints):
    """Of two VAEs, that with the network has the better linear prediction of y."""
    with_nn = vae_and_nn(prints, itr1=30)
    with_nn.run(6, verbose=False)
    prior = with_nn["vae"].training_inputs(prints[0])["prior_mean"]
    np.testing.assert_array_equal(prior, with_nn["nn"].prior.mean)
    x = np.random.default_rng(0).random((120, 12)) < 0.5  # says nothing of the labels
    loop = vae_and_nn((x, prints[1]), itr1=30)
    loop.run(6, verbose=False)
    assert with_nn["nn"].variance < 0.5 * loop["nn"].variance


# --- The target from above ------------------------------------------------------------


def test_a_message_from_above_is_the_target(rng, labels, send_message):
    x = np.eye(M)[labels] + 0.1 * rng.normal(size=(N, M))
    obs = srk.Observation(x)
    nn = srk.NN(40, output=Categorical, n_outputs=M, learning_rate=0.05, seed=0)
    nn.connect(obs)
    nn.step()
    assert nn.history == [] and nn.forward.dim == M  # nothing was sent yet
    assert nn.uses_backward_message and nn.evidence() == 0
    send_message(nn, np.log(np.eye(M)[labels] + 1e-6))
    nn.step()
    nn.step()
    np.testing.assert_array_equal(nn.predicted, labels)
    values = srk.NN(200, n_outputs=2, learning_rate=0.05, hidden_dims=(), seed=0)
    x = rng.normal(size=(N, M))
    values.connect(srk.Observation(x))
    values.step()
    means = x[:, :2] - x[:, 2:]  # linear in x
    send_message(values, means, np.ones((N, 2)))
    values.step()
    np.testing.assert_allclose(values.predicted, means, atol=0.05)
    assert values.evidence() is None  # y has a density above


def test_a_target_that_two_modules_model_has_no_bound(rng, labels):
    x = rng.normal(size=(N, 3))
    obs, target = srk.Observation(x), srk.Observation(np.eye(M)[labels], "labels")
    nn, gmm = srk.NN(3, seed=0), srk.GMM(2, seed=0)
    nn.connect(obs, target)
    gmm.connect(nn)
    loop = srk.MessageLoop([obs, target, nn, gmm])
    (row,) = loop.run(1, verbose=False)
    assert row["elbo"] is None
    assert loop.elbo_reason == "the evidence of nn is not known"


# --- New data, files, saving ----------------------------------------------------------


def test_recognition_predicts_without_the_target(prints):
    loop = vae_and_nn(prints, itr1=30)
    loop.run(3, verbose=False)
    new = loop.recognize({"obs": prints[0][:9]})
    assert [m.name for m in new.modules] == ["obs", "vae", "nn"]
    np.testing.assert_array_equal(new["nn"].predicted.argmax(axis=1), prints[1][:9])
    np.testing.assert_array_equal(
        loop.recognize(prints[0][:9])["nn"].predicted, new["nn"].predicted
    )
    latents = new["vae"].posterior.mean
    np.testing.assert_allclose(
        loop["nn"].predict_target(latents), new["nn"].predicted, atol=0.1
    )
    both = loop.recognize({"obs": prints[0][:9], "labels": np.eye(3)[prints[1][:9]]})
    assert both["nn"].prior is not None and len(both.modules) == 4


def test_a_target_predicts_the_data_of_its_class(overlapping):
    z = overlapping[:N]
    obs, gmm = srk.Observation(z), srk.GMM(K, inference=EM(n_init=2), seed=0)
    gmm.connect(obs)
    srk.MessageLoop([obs, gmm]).run(1, verbose=False)
    target = srk.Observation(gmm.classes[:, None], "labels")
    nn = srk.NN(100, output=Categorical, learning_rate=0.1, hidden_dims=(), seed=0)
    nn.connect(gmm, target)
    nn.step()
    np.testing.assert_allclose(nn.predict([[2], [0]]), gmm.mixture.means[[2, 0]])


def test_of_real_inputs_no_data_are_predicted(latents, labels):
    nn = of_latents(latents, labels[:, None], output=Categorical)
    nn.step()
    with pytest.raises(ValueError, match="nn predicts a class .* and below sends real"):
        nn.predict([[0]])


def test_update_writes_serkets_files_and_recog_reads_them(overlapping, rng, tmp_path):
    z, y = overlapping[:N], rng.normal(size=(N, 2))

    def make(mode, **options):
        obs, target = srk.Observation(z), srk.Observation(y, "obs2")
        gmm = srk.GMM(K, mode=mode, seed=0)
        nn = srk.NN(30, 10, "nn", mode=mode, seed=0, **options)
        gmm.connect(obs)
        nn.connect(gmm, target)
        gmm.update()
        nn.update()
        return nn

    with srk.output_dir(tmp_path):
        nn = make("learn", batch_size1=2, batch_size2=2)
        folder = tmp_path / "module003_nn"
        found = np.loadtxt(folder / "message_learn.txt")
        np.testing.assert_array_equal(found, nn.prior.prob)
        found = np.loadtxt(folder / "prediction_learn.txt")
        np.testing.assert_array_equal(found, nn.forward.mean)
        loss = np.loadtxt(folder / "loss.txt")
        np.testing.assert_array_equal(loss[:, 0], np.arange(1, 31))
        np.testing.assert_array_equal(loss[:, 1], nn.history)
        for options in ({}, {"load_dir": folder}):
            again = make("recog", **options)
            np.testing.assert_allclose(again.prior.prob, nn.prior.prob, rtol=1e-4)
            assert again.variance == nn.variance
        assert (folder / "message_recog.txt").exists()


def test_a_loop_continues_to_the_same_bits(prints, tmp_path):
    def make():
        layers = [keras.Input((2,)), keras.layers.Dense(8, "relu")]
        layers += [keras.layers.Dropout(0.3, seed=1), keras.layers.Dense(3)]
        model = keras.Sequential(layers)
        model.set_weights(
            [np.random.default_rng(3).normal(size=w.shape) for w in model.get_weights()]
        )
        return vae_and_nn(prints, model=model)

    whole = make()
    whole.run(3, verbose=False)
    make().run(1, folder=tmp_path / "script", verbose=False)
    script = make()
    script.run(3, folder=tmp_path / "script", verbose=False)
    make().run(1, folder=tmp_path / "loaded", verbose=False)
    data = {"obs": prints[0], "labels": np.eye(3)[prints[1]]}
    loaded = srk.load(tmp_path / "loaded", data)
    loaded.run(2, verbose=False)
    for loop in (script, loaded):
        assert loop["nn"].history == whole["nn"].history
        assert loop["nn"].variance == whole["nn"].variance
        np.testing.assert_array_equal(loop["nn"].forward.mean, whole["nn"].forward.mean)
        assert loop.rows[-1]["elbo"] == whole.rows[-1]["elbo"]
    for other in (make(), srk.load(tmp_path / "script")):
        assert other["nn"].output is Gaussian


def test_a_loop_by_hidden_dims_is_loaded(prints, tmp_path):
    loop = vae_and_nn(prints, hidden_dims=(5,), output=Categorical)
    loop.run(1, folder=tmp_path, verbose=False)
    loaded = srk.load(tmp_path)
    assert loaded["nn"].output is Categorical and loaded["nn"].hidden_dims == [5]
    found = [
        each.recognize(prints[0][:7])["nn"].forward.prob for each in (loop, loaded)
    ]
    np.testing.assert_array_equal(*found)


def test_a_damaged_model_is_a_sentence(prints, tmp_path):
    vae_and_nn(prints).run(1, folder=tmp_path, verbose=False)
    (path,) = tmp_path.glob("*/*_nn/model.keras")
    path.write_bytes(b"no model")
    with pytest.raises(ValueError, match="model.keras cannot be read"):
        srk.load(tmp_path)


class Own(srk.NN):
    """As Serket's newer examples."""

    def build_model(self, input_shape, n_outputs):
        layers = [keras.Input(input_shape), keras.layers.Dense(5, "tanh")]
        model = keras.Sequential([*layers, keras.layers.Dense(n_outputs)])
        model.compile(keras.optimizers.SGD(0.03))
        return model


def test_a_subclass_builds_its_network(latents, rng):
    below, target = Sender(latents), srk.Observation(rng.normal(size=(N, M)), "y")
    nn = Own(3, seed=0)
    nn.connect(below, target)
    nn.step()
    assert [w.shape for w in nn.model.weights] == [(2, 5), (5,), (5, M), (M,)]
    assert isinstance(nn.model.optimizer, keras.optimizers.SGD)
    assert nn.history[-1] < nn.history[0]


# --- What is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, error",
    [
        ({"itr1": 0}, "itr1 must be an integer >= 1"),
        ({"batch_size1": 0}, "batch_size1 must be an integer >= 1"),
        ({"n_outputs": 1.5}, "n_outputs must be an integer >= 1"),
        ({"hidden_dims": (3, 0)}, "hidden_dims must be made of integers >= 1"),
        ({"output": "classes"}, "output must be Gaussian or Categorical.*'classes'"),
    ],
)
def test_arguments_are_checked(options, error):
    with pytest.raises(ValueError, match=error):
        srk.NN(**options)


@pytest.mark.parametrize(
    "target, error",
    [
        (np.full((N, 1), 0.5), r"labels must be labels from 0 to 3, or -1 .*0.5"),
        (np.full((N, 1), 4), "labels must be labels from 0 to 3, or -1"),
        (np.full((N, M), -1.0), "must be labels, .* or numbers >= 0.*minimum of -1"),
        (np.ones((N, M + 1)), "nn: the target from labels must have 4 classes.*5"),
        (np.ones((N, 2, 2)), r"must be labels, \(n, 1\), or .*\(40, 2, 2\)"),
    ],
)
def test_wrong_targets_are_refused_with_both_names(latents, target, error):
    nn = of_latents(latents, target, output=Categorical)
    with pytest.raises(ValueError, match=error):
        nn.step()


def test_wrong_inputs_are_refused_with_both_names(latents, classes, rng):
    y = rng.normal(size=(N, M))
    nn = of_latents(latents, y)
    nn.connect(Sender(classes, "other"), nn.parents[1])
    expected = (
        r"nn has a network of the input shape \(2,\), and needs .* from other.*\(3"
    )
    with pytest.raises(ValueError, match=expected):
        nn.step()
    nn = of_latents(latents, y[:, :2])
    with pytest.raises(ValueError, match="target from labels must have 4 values.*2"):
        nn.step()
    nn = srk.NN()
    nn.connect(target=srk.Observation(y))
    with pytest.raises(TypeError, match="nn needs a module as its input x"):
        nn.step()
    nn = srk.NN()
    nn.connect(srk.Observation(y))
    with pytest.raises(TypeError, match="nn has no target yet, and needs n_outputs"):
        nn.step()
