"""Training on several devices, and resuming after one of several processes died.

On JAX, each in a process of its own: the devices must be counted before anything else.
"""

import importlib.util
import socket
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from models.training import distribute, processes

# batches of 16 leave 11 of the 59 rows, which two devices cannot share
MODEL = "--variant iwae --rows 0,58 --batch-size 16 --hidden-dims 8 --latent-dim 3 "
MODEL += "--n-components 3 --epochs 6"
TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}

# Without figures, which take longer than the training.
COMMAND = """
import os, signal, sys
from models import train
from models.training import batching
from models.cli import report
from models.runs import run_folder

report.draw_figures = report.plotting.plot_training_curves = lambda *_: None
run_folder.RunFolder.write_figure = lambda *_: None
last = int(os.environ.get("DIES_IN_EPOCH", -1))

def dies(self, batch, logs=None):
    if self.model.steps_trained() == 4 * last + 2:
        os.kill(os.getpid(), signal.SIGKILL)

if last >= 0:
    batching.EpochPermutation.on_train_batch_begin = dies
sys.exit(train.main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Commands write into a temporary folder."""
    monkeypatch.chdir(tmp_path)


# --- The same losses ------------------------------------------------------------------


@pytest.fixture(scope="module")
def start(environment, data):
    """A function that starts the command in a process of its own."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("--distribute needs JAX, and it is not installed")

    def start(*arguments, **variables):
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, arguments)],
            env=environment | {"KERAS_BACKEND": "jax"} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="module")
def begin(data):
    """The options of a new run."""
    return ["--data", data / "table.npz", *MODEL.split()]


@pytest.fixture(scope="module")
def alone(start, begin, tmp_path_factory):
    """The folder of a run in one process on one device."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    code, _, err = end(start(*begin, "--out", folder))
    assert code == 0, err
    return folder


def end(process):
    """Exit code, stdout and stderr of a process, which gets a minute and a half."""
    try:
        return process.wait(timeout=90), *process.communicate()
    finally:
        process.kill()


def start_two(start, *arguments, **of_the_second):
    """Two processes of one training."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    both = {processes.ADDRESSES: address, processes.N_PROCESSES: "2"}
    return [
        start(
            *arguments, "--distribute", **both, **{processes.PROCESS_ID: number}, **more
        )
        for number, more in (("0", {}), ("1", of_the_second))
    ]


def check_equal(read, folder, other):
    """Checks that two runs have the same losses and latents."""
    for name in ("loss", "log_likelihood", "kl"):
        ours, its = (read.column(run / "history.csv", name) for run in (folder, other))
        np.testing.assert_allclose(ours, its, atol=1e-4)
    ours, its = (read.arrays(run)["z_mean"] for run in (folder, other))
    np.testing.assert_allclose(ours, its, atol=1e-4)


@pytest.mark.slow
def test_two_devices_of_one_process(start, begin, alone, read, tmp_path):
    process = start(*begin, "--distribute", "--out", tmp_path / "run", **TWO_DEVICES)
    code, out, err = end(process)
    assert code == 0, err
    assert "\ndata parallel on 2 devices\n" in out
    check_equal(read, tmp_path / "run", alone)
    assert read.names(tmp_path / "run") == read.names(alone)


@pytest.mark.slow
def test_two_processes_one_of_which_dies(start, begin, alone, read, tmp_path):
    """Only the epoch under way is lost, and the result is the same."""
    folder = tmp_path / "run"
    pair = start_two(start, *begin, "--out", folder, DIES_IN_EPOCH="3")
    (code, out, err), (killed, *_) = map(end, pair)
    assert killed == -9
    assert code == 2 and "Traceback" not in err, err
    assert re_ending(folder) in err
    assert "\ndata parallel on 2 devices of 2 processes\n" in out
    assert read.names(folder) == {"config.json", "history.csv", "checkpoint.keras"}
    assert len(read.rows(folder / "history.csv")) == 3

    pair = start_two(start, "--resume", folder)
    (code, out, err), (other, silence, _) = map(end, pair)
    assert (code, other, silence) == (0, 0, ""), err
    check_equal(read, folder, alone)
    assert read.names(folder) == read.names(alone)


def re_ending(folder):
    return f"start all its processes again with --distribute --resume {folder}\n"


# --- Wrong use ------------------------------------------------------------------------


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX is the backend")
def test_another_backend_is_refused(check):
    check("--distribute", "--distribute needs the JAX backend.*Received: [a-z]+$")


@pytest.mark.parametrize(
    "values, sentence",
    [
        (("one:1", "many", "0"), "NUM_PROCESSES must be the number .*: 'many'"),
        (("one:1", "2", "2"), "PROCESS_ID must be 0 to 1, .*Received: '2'"),
        (("one:1", "2", "-1"), "PROCESS_ID must be 0 to 1, .*Received: '-1'"),
        (("one", "2", "0"), "ADDRESSES must be HOST:PORT of .*Received: 'one'"),
        (("a:1,b:2,c:3", "2", "0"), "ADDRESSES must be .*Received: 'a:1,b:2,c:3'"),
    ],
)
def test_wrong_values_of_the_environment_are_refused(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        processes._check_values(*values)


def test_a_missing_variable_is_refused():
    assert processes.read_environment({"HOME": "here"}) is None
    with pytest.raises(ValueError, match="Missing: KERAS_DISTRIBUTION_PROCESS_ID$"):
        processes.read_environment(
            {processes.ADDRESSES: "one:1", processes.N_PROCESSES: "2"}
        )


def test_a_batch_that_does_not_divide_is_refused():
    three = SimpleNamespace(number=3)
    distribute.Devices.check_config(three, {"batch_size": 126})
    for size, near in ((128, "126 or 129"), (2, "3")):
        with pytest.raises(ValueError, match=f"--batch-size {size} .* give {near}$"):
            distribute.Devices.check_config(three, {"batch_size": size})


def test_data_on_disk_are_refused():
    two, config = SimpleNamespace(number=2), {"batch_size": 2, "stream": True}
    with pytest.raises(ValueError, match="^--stream: .* leave one of the two out$"):
        distribute.Devices.check_config(two, config)
