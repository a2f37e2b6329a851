"""The message loop: order, rows, stopping, printing, and real runs."""

import contextlib
import io
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import models
from serket_bridge import GMM, VAE, MessageLoop, Module, Observation
from serket_bridge.gmm import collapsed_gaussian_message
from serket_bridge.inference.em import EM, Variational
from serket_bridge.inference.gibbs import Gibbs
from serket_bridge.scores import clustering_scores
from serket_bridge.table import format_table

LABELS = np.array([0, 0, 0, 1, 1, 1])
ROUNDS = [[0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 0], [1, 1, 1, 0, 0, 1], [0] * 6]


class Classes(Module):
    """Has the classes of a list, one entry per round, and a bound."""

    n_steps = 2

    def __init__(self, rounds=ROUNDS, name="classes"):
        super().__init__(name)
        self.rounds, self.count = rounds, 0

    def learn(self, progress):
        self.classes = np.array(self.rounds[min(self.count, len(self.rounds) - 1)])
        self.count += 1
        self.metrics = {"bound": -1.0 / self.count}
        for _ in range(self.n_steps):
            progress()

    def send(self):
        """Sends no messages."""


def run(rounds, labels=None, modules=None, **kwargs):
    loop = MessageLoop(modules or [Classes()])
    return loop.run(rounds, labels, **{"verbose": False} | kwargs)


# --- Modules --------------------------------------------------------------------------


def test_modules_out_of_order_are_refused_naming_both():
    observation, gmm = Observation(np.eye(3)), GMM(2)
    gmm.connect(observation)
    with pytest.raises(ValueError, match="gmm is connected to obs, which must"):
        MessageLoop([gmm, observation])
    with pytest.raises(ValueError, match="connected to obs"):
        MessageLoop([gmm])
    MessageLoop([observation, gmm])


@pytest.mark.parametrize(
    "modules, message",
    [
        ([], "at least one module. Received: none"),
        ([Classes(), Classes()], "must have different names.*'classes', 'classes'"),
        ([Classes(), np.eye(2)], "must be serket_bridge modules. Received: ndarray"),
    ],
)
def test_other_lists_of_modules_are_refused(modules, message):
    with pytest.raises(ValueError, match=message):
        MessageLoop(modules)


@pytest.mark.parametrize("rounds", [0, -1, 2.0, "2", None])
def test_rounds_must_be_a_number_of_rounds(rounds):
    with pytest.raises(ValueError, match="rounds must be an integer >= 1"):
        run(rounds)


def test_a_module_that_is_not_connected_is_refused_when_it_runs():
    with pytest.raises(RuntimeError, match="gmm is not connected"):
        run(1, modules=[GMM(2)])


# --- Rows -----------------------------------------------------------------------------


def test_scores_are_those_of_the_classes_of_each_round():
    rows = run(4, LABELS)
    assert [row["round"] for row in rows] == [1, 2, 3]  # no. 3 only renames no. 2
    for row, classes in zip(rows, ROUNDS, strict=False):
        scores = clustering_scores(LABELS, np.array(classes))
        assert {name: row[name] for name in scores} == scores
    assert [row["accuracy"] for row in rows] == pytest.approx([5 / 6] * 3)
    assert [row["classes.bound"] for row in rows] == [-1.0, -1 / 2, -1 / 3]
    assert "agreement" not in rows[0]
    assert [row["agreement"] for row in rows[1:]] == pytest.approx([4 / 6, 1.0])


def test_without_labels_there_is_agreement_but_no_score():
    first, second, *_ = run(4)
    assert second["agreement"] == pytest.approx(4 / 6)
    assert not {"accuracy", "ari", "nmi"} & (set(first) | set(second))


def test_every_module_is_timed():
    modules = [Observation(np.eye(3), "data"), Classes(name="a"), Classes(name="b")]
    (row,) = run(1, modules=modules)
    parts = [row[f"{name}.seconds"] for name in ("data", "a", "b")]
    assert min(parts) >= 0.0
    assert row["seconds"] == pytest.approx(sum(parts))


def test_it_stops_when_no_class_changes():
    rows = run(10, modules=[Classes([ROUNDS[0]])])
    assert [row.get("agreement") for row in rows] == [None, 1.0]


def test_modules_without_classes_run_all_the_rounds():
    rows = run(3, LABELS, modules=[Observation(np.eye(6))])
    assert [row["round"] for row in rows] == [1, 2, 3]
    assert not {"agreement", "accuracy"} & set(rows[-1])


def test_labels_of_another_length_are_refused_before_any_work():
    module = Classes([[0] * 6], "classes")
    with pytest.raises(
        ValueError, match="one entry for each of the 3 examples. Received: 6"
    ):
        run(1, LABELS, modules=[Observation(np.eye(3)), module])
    assert module.forward is None


def test_the_topmost_classes_count():
    low, high = Classes([[0] * 6], "low"), Classes([LABELS], "high")
    loop = MessageLoop([low, high])
    assert loop.classes is None
    (row,) = loop.run(1, LABELS, verbose=False)
    assert row["accuracy"] == 1.0
    np.testing.assert_array_equal(loop.classes, LABELS)


def test_a_second_run_continues_where_the_first_ended():
    loop = MessageLoop([Classes()])
    first = loop.run(1, verbose=False)
    second = loop.run(1, LABELS, verbose=False)
    assert loop.rows == first + second
    assert [row["round"] for row in loop.rows] == [1, 2]
    assert second[0]["agreement"] == pytest.approx(4 / 6)


def test_after_round_is_called_with_the_loop_after_every_round():
    seen = []
    run(3, after_round=lambda loop: seen.append(len(loop.rows)))
    assert seen == [1, 2, 3]


# --- Ctrl-C ---------------------------------------------------------------------------


class SwallowsCtrlC(Classes):
    """As compiled code may do with what Python raises in its callbacks."""

    def learn(self, progress):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        super().learn(progress)


@pytest.fixture
def pythons_own_handler():
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, handler)


def test_a_swallowed_ctrl_c_ends_the_run_at_the_next_step(pythons_own_handler):
    swallows = SwallowsCtrlC()
    with pytest.raises(KeyboardInterrupt):
        run(3, modules=[swallows])
    assert swallows.count == 1
    assert signal.getsignal(signal.SIGINT) is pythons_own_handler


def test_a_handler_of_the_programs_own_is_left_alone(pythons_own_handler):
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    assert len(run(2, modules=[SwallowsCtrlC()])) == 2
    assert len(pressed) == 2


def test_a_loop_runs_outside_the_main_thread():
    with ThreadPoolExecutor(1) as pool:
        assert len(pool.submit(run, 2).result()) == 2


# --- Printing -------------------------------------------------------------------------


def test_quiet_prints_nothing(capsys):
    run(3, LABELS)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "stream, in_notebook, is_shown",
    [
        (io.StringIO, False, False),
        (Terminal, False, True),
        (io.StringIO, True, True),
    ],
    ids=["file", "terminal", "notebook without widgets"],
)
def test_the_bar_is_on_a_terminal_and_in_a_notebook_only(
    monkeypatch, stream, in_notebook, is_shown
):
    monkeypatch.setattr(sys, "stderr", stream())
    monkeypatch.delitem(sys.modules, "ipykernel.zmqshell", raising=False)
    if in_notebook:
        monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", None)
    run(2, verbose=True)
    assert ("\r" in sys.stderr.getvalue()) is is_shown
    assert ("round 1, classes" in sys.stderr.getvalue()) is is_shown


def test_the_table_has_a_heading_and_one_line_a_round(capsys):
    run(3, LABELS, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    heading = "round bound agreement accuracy ARI NMI seconds"
    assert lines[0].split() == heading.split()
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3"]
    assert lines[1].split()[1:4] == ["-1.000", "-", "0.833"]
    assert lines[2].split()[1:4] == ["-0.500", "0.667", "0.833"]
    assert len({len(line) for line in lines}) == 1  # the columns are aligned


def test_the_columns_of_a_module_without_a_bound_are_aligned(capsys):
    class Unscored(Classes):
        def learn(self, progress):
            super().learn(progress)
            self.metrics = {}

    run(2, modules=[Unscored()], verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["round", "agreement", "seconds"]
    assert lines[1].split()[1] == "-"
    assert len({len(line) for line in lines}) == 1


def test_the_table_of_a_vae_has_its_columns():
    row = {"round": 3, "loss": 12.345, "log_likelihood": -10.0, "kl": 2.345}
    heading, line = format_table([row]).splitlines()
    assert heading.split() == ["round", "loss", "log-lik.", "KL"]
    assert line.split() == ["3", "12.35", "-10.00", "2.35"]
    assert format_table([row], header=False) == line


def test_columns_of_several_modules_have_their_names():
    row = {"round": 1, "a.loss": 1.0, "b.loss": 2.0, "a.seconds": 3.0, "seconds": 4.0}
    heading, line = format_table([row]).splitlines()
    assert heading.split() == "round a loss b loss seconds".split()
    assert line.split() == ["1", "1.00", "2.00", "4.0"]
    assert len(heading) == len(line)


# --- Real runs ------------------------------------------------------------------------


def whole(x, model, inference, k, epochs, batch_size=25):
    """Observation, VAE and mixture, connected."""
    observation = Observation(x)
    vae = VAE(
        model=model, itr=epochs, batch_size=batch_size, learning_rate=3e-3, seed=0
    )
    gmm = GMM(k, inference=inference, message=collapsed_gaussian_message, seed=0)
    vae.connect(observation)
    gmm.connect(vae)
    return MessageLoop([observation, vae, gmm])


@pytest.mark.parametrize(
    "inference",
    [EM(n_init=2), Variational(n_init=2, max_iter=50), Gibbs(sweeps=10, n_init=2)],
    ids=["em", "variational", "gibbs"],
)
def test_digits_are_sorted_better_than_at_random(digits, inference):
    x, labels = (array[:600] for array in digits)
    model = models.serket.build((8, 8), 4, (64,), kl_weight=0.3, seed=0)
    loop = whole(x, model, inference, k=10, epochs=15)
    rows = loop.run(2, labels, verbose=False)
    assert len(rows) == 2
    numbers = [value for row in rows for value in row.values()]
    assert np.all(np.isfinite(numbers))
    # at random, the best matching of ten classes gets about 0.15 of 600 digits right
    assert rows[-1]["accuracy"] > 0.4
    assert rows[1]["vae.loss"] < rows[0]["vae.loss"]
    _, vae, gmm = loop.modules
    sent = vae.training_inputs(x)
    expected = collapsed_gaussian_message(gmm.responsibilities, gmm.mixture)
    np.testing.assert_array_equal(sent["prior_mean"], expected.mean)
    np.testing.assert_array_equal(sent["prior_precision"], expected.precision)


def test_labels_only_score(digits, rng):
    x, labels = (array[:200] for array in digits)
    twins = [models.serket.build((8, 8), 2, (64,), seed=0) for _ in range(2)]
    loops = [whole(x, model, EM(n_init=2), k=4, epochs=10) for model in twins]
    scores = [
        loop.run(2, y, verbose=False)[-1]
        for loop, y in zip(loops, (labels, rng.permutation(labels)), strict=True)
    ]
    np.testing.assert_array_equal(loops[0].classes, loops[1].classes)
    assert scores[0]["vae.loss"] == scores[1]["vae.loss"]
    assert scores[0]["accuracy"] != scores[1]["accuracy"]


@pytest.mark.slow
def test_message_passing_does_not_harm_the_classes():
    """Blobs in the plane, bent into twenty dimensions; the median of three seeds."""
    changes = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        labels = rng.integers(4, size=800)
        corners = np.array([[2.0, 2.0], [2.0, -2.0], [-2.0, 2.0], [-2.0, -2.0]])
        h = corners[labels] + 0.9 * rng.standard_normal((800, 2))
        for shape in ((2, 20), (20, 20)):
            h = np.tanh(h @ rng.normal(scale=1 / np.sqrt(shape[0]), size=shape))
        x = h + 0.05 * rng.standard_normal(h.shape)
        model = models.vanilla.build(20, 2, (64,), sigma=0.2, seed=seed)
        model = models.serket.with_prior_message(model)
        loop = whole(x, model, EM(n_init=5), k=4, epochs=40, batch_size=100)
        rows = loop.run(5, labels, verbose=False)
        changes.append(rows[-1]["accuracy"] - rows[0]["accuracy"])
        assert rows[-1]["accuracy"] > 0.5  # at random: about 0.28
    assert np.median(changes) >= -0.02, changes
