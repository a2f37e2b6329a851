"""Modules that were written for Serket's own interface."""

import numpy as np
import pytest
from scipy.special import softmax

import serket_bridge as srk


class Threshold(srk.SerketModule):
    """A classifier of two classes, as a user of Serket writes it."""

    output_message = srk.Categorical

    def __init__(self, name="threshold"):
        super().__init__(name, True)
        self.threshold = None

    def update(self):
        self.threshold = self.get_observations()[0].mean()
        self.recog()

    def recog(self):
        (x,) = self.get_observations()
        Pdz = softmax(np.stack([-(x[:, 0] - self.threshold), x[:, 0]], axis=1), axis=1)
        Pdc = self.get_backward_msg()
        self.set_forward_msg(Pdz)
        self.classes = (Pdz if Pdc is None else Pdz * Pdc).argmax(axis=1)
        self.send_backward_msgs([np.full_like(x, self.threshold)])


class Labels(srk.SerketModule):
    def update(self):
        (Pdz,) = self.get_observations()
        assert Pdz.shape == (6, 2)
        self.send_backward_msgs([np.tile([0.0, 1.0], (6, 1))])


@pytest.fixture
def modules():
    x = np.arange(6.0)[:, None]
    obs, threshold, labels = srk.Observation(x), Threshold(), Labels()
    threshold.connect(obs)
    labels.connect(threshold)
    return obs, threshold, labels


def test_it_runs_by_hand_as_in_serket(modules):
    obs, threshold, labels = modules
    assert threshold.get_backward_msg() is None
    threshold.update()
    assert threshold.threshold == 2.5
    np.testing.assert_allclose(threshold.get_forward_msg().sum(axis=1), 1, rtol=1e-6)
    labels.update()
    np.testing.assert_array_equal(threshold.get_backward_msg(), [[0.0, 1.0]] * 6)
    threshold.update()
    assert threshold.classes.tolist() == [1] * 6
    assert threshold.get_name() == "module001_threshold"
    message = obs.backward_message(srk.Gaussian.standard(6, 1))
    np.testing.assert_array_equal(message.mean, 2.5)
    np.testing.assert_array_equal(message.precision, 1.0)


def test_it_runs_in_a_loop_and_recognises(modules):
    loop = srk.MessageLoop(modules[:2])
    loop.run(2, verbose=False)
    found = loop.recognize([[-9.0], [9.0]])["threshold"]
    assert found.classes.tolist() == [0, 1]
    assert found.threshold == 2.5
    with pytest.raises(NotImplementedError, match="Labels must have a method recog"):
        srk.MessageLoop(modules).recognize(np.zeros((6, 1)))


def test_serkets_update_in_a_plain_module_names_the_class_to_derive_from():
    class Serkets(srk.Module):
        def update(self):
            self.set_forward_msg(self.get_observations()[0])

    with pytest.raises(TypeError, match="send.*derive from serket_bridge.SerketModule"):
        Serkets("serkets")
