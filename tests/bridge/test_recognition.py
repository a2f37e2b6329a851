"""Recognition of new data, in memory; and from a class back to the data."""

import numpy as np
import pytest
from scipy.special import softmax

import serket_bridge as srk
from serket_bridge.messages import Categorical


@pytest.fixture(scope="module")
def loop(make_loop):
    loop = make_loop(vae={"itr": 30})
    loop.run(2, verbose=False)
    return loop


@pytest.fixture
def new(rng):
    return rng.random((40, 12))


def test_it_is_bayes_rule_with_the_learned_parameters(loop, new):
    found = loop.recognize(new)
    z_mean, z_log_var = loop["vae"].model.encode(new)
    np.testing.assert_array_equal(found["vae"].forward.mean, z_mean)
    mixture = loop["gmm"].mixture
    log_joint = mixture.log_joint(z_mean.astype(float))
    diagonals = np.stack([np.diag(each) for each in mixture.precisions], axis=1)
    log_joint -= 0.5 * np.exp(z_log_var.astype(float)) @ diagonals
    responsibilities = softmax(log_joint, axis=1)
    np.testing.assert_allclose(
        found["gmm"].responsibilities, responsibilities, rtol=1e-4
    )
    np.testing.assert_array_equal(found.classes, responsibilities.argmax(axis=1))
    np.testing.assert_array_equal(
        found["gmm"].prior.mean, loop["gmm"].mixture.means[found.classes]
    )
    np.testing.assert_array_equal(found["vae"].x_hat, loop["vae"].model.decode(z_mean))


def test_the_learned_loop_stays_as_it_was(make_loop, same, new):
    one, other = make_loop(), make_loop()
    for loop in (one, other):
        loop.run(1, verbose=False)
    one.recognize(new)
    for loop in (one, other):
        loop.run(1, verbose=False)
    same(one, other)


def test_twice_is_the_same(loop, new):
    one, other = loop.recognize(new), loop.recognize(new)
    np.testing.assert_array_equal(
        one["gmm"].responsibilities, other["gmm"].responsibilities
    )


def test_rows_are_recognised_one_by_one(loop, new):
    """Of 2000 data, each is what it is alone: batches do not matter."""
    many = np.tile(new, (50, 1))
    alone = loop.recognize(new)["gmm"].responsibilities
    together = loop.recognize(many)["gmm"].responsibilities
    np.testing.assert_allclose(together, np.tile(alone, (50, 1)), rtol=1e-3, atol=1e-6)


class Words(srk.Module):
    """Knows that every example is of the class 2."""

    input_message = Categorical

    def send(self):
        log_prob = np.tile([-30.0, -30.0, 0.0], (len(self.inputs()[0]), 1))
        self.send_backward(self.parents[0], Categorical(log_prob))

    def evidence(self):
        return 0.0


def test_backward_messages_count(make_loop, prints, new):
    learned = make_loop()
    words = Words("words")
    words.connect(learned["gmm"])
    loop = srk.MessageLoop([*learned.modules, words])
    loop.run(1, verbose=False)
    assert set(loop.recognize(new, rounds=1).classes) != {2}  # before the first message
    assert set(loop.recognize(new).classes) == {2}


def test_several_observations_by_name(prints):
    class Both(srk.Module):
        max_parents = 2

        def send(self):
            self.sums = sum(message.mean.sum(axis=1) for message in self.inputs())

    one, two = srk.Observation(prints[0], "one"), srk.Observation(prints[0], "two")
    both = Both("both")
    both.connect(one, two)
    loop = srk.MessageLoop([one, two, both])
    loop.run(1, verbose=False)
    found = loop.recognize({"one": np.ones((5, 2)), "two": np.full((5, 3), 2.0)})
    np.testing.assert_array_equal(found["both"].sums, 8.0)


def test_a_loop_that_learned_nothing_is_refused(make_loop, new):
    with pytest.raises(RuntimeError, match="vae has learned nothing"):
        make_loop().recognize(new)


@pytest.mark.parametrize(
    "data, message",
    [
        (np.zeros((4, 11)), r"x must have the shape \(n, 12\)"),
        (np.zeros(12), "data must be numbers of the shape"),
        (np.full((4, 12), np.nan), "finite"),
    ],
)
def test_wrong_data_are_refused(loop, data, message):
    with pytest.raises(ValueError, match=message):
        loop.recognize(data)


def test_a_module_is_found_by_its_name(loop):
    with pytest.raises(KeyError, match="not a module of this loop.*obs, vae, gmm"):
        loop["mlda"]


# --- Back to the data -----------------------------------------------------------------


def test_from_a_class_or_a_latent_to_the_data(loop):
    means = loop["gmm"].mixture.means
    decoded = loop["vae"].model.decode(means)
    for answer, expected in (
        (loop["gmm"].predict([2, 0]), decoded[[2, 0]]),
        (loop["gmm"].predict(1), decoded[[1]]),
        (loop["vae"].predict(means), decoded),
    ):
        np.testing.assert_allclose(answer, expected, rtol=1e-5)


@pytest.mark.parametrize("classes", [3, -1, [0, 5], 1.5])
def test_classes_that_are_none_are_refused(loop, classes):
    with pytest.raises(ValueError, match="classes must be integers from 0 to 2"):
        loop["gmm"].predict(classes)
