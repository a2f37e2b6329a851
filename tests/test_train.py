"""The command `python -m models.train`: what a run leaves behind, and what it says."""

import contextlib
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.cluster  # noqa: F401, so that there are thread pools to limit
from PIL import Image
from threadpoolctl import threadpool_limits

import models
from models import VARIANTS, train
from models.experiment import defaults, options, report
from models.experiment.data import load
from models.experiment.metrics import clustering_scores
from models.experiment.runs import RunFolder
from serket_bridge import GMM, VAE, gibbs, gmm, mixture

ROOT = Path(models.__file__).parents[1]
ARRAYS = (
    "config.json model.keras history.csv rounds.csv metrics.json latents.npz gmm.npz"
)
PICTURES = "curves.png latent_pca.png reconstructions.png samples.png"
FILES = {*ARRAYS.split(), *PICTURES.split()}
SMALL = (
    "--epochs 2 --batch-size 60 --hidden-dims 8 --latent-dim 3 --n-components 3".split()
)
# What a variant is tried on, further options, and the files these add to FILES. A
# variant without a row here gets the table.
ON = {
    "serket": ("table.npz", ["--rounds", "2"], {"rounds.png"}),
    "vanilla": ("unlabelled.npy", ["--latent-dim", "2"], {"manifold.png"}),
    "bernoulli": ("images.npz", ["--batch-size", "50"], set()),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On a busy machine scikit-learn's threads wait for each other most of the time."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory, digits):
    """A folder with three blobs, with labels and without, and 200 digits."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = rng.normal(0, 2, (3, 6))[labels] + rng.normal(0, 0.3, (60, 6))
    np.savez(folder / "table.npz", x=x, y=labels)
    np.save(folder / "unlabelled.npy", x)
    np.savetxt(folder / "labels.csv", labels, "%d")
    images, digit = digits
    np.savez(folder / "images.npz", x=images[:200], y=digit[:200])
    return folder


def run(*arguments):
    """The exit code, and what was written to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = train.main([*map(str, arguments)])
    return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def column(path, name):
    return np.array([float(row[name]) for row in rows_of(path)])


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def arrays_of(folder, name="latents.npz"):
    with np.load(folder / name, allow_pickle=False) as stored:
        return dict(stored)


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


# --- One run of every variant ---------------------------------------------------------


@pytest.fixture(scope="module", params=list(VARIANTS))
def finished(request, data, tmp_path_factory):
    """A finished run: what it was given, its folder, and what it said."""
    name, more, further = ON.get(request.param, ("table.npz", [], set()))
    folder = tmp_path_factory.mktemp("run") / "out"
    arguments = ["--variant", request.param, "--data", data / name, *SMALL, *more]
    result = run(*arguments, "--out", folder)
    stored = np.load(data / name)
    x, labels = (stored, None) if name.endswith("npy") else (stored["x"], stored["y"])
    return SimpleNamespace(
        variant=request.param,
        arguments=arguments,
        folder=folder,
        files=FILES | further,
        x=x.astype("float32"),
        labels=labels,
        rounds=2 if "--rounds" in more else 1,
        **vars(result),
    )


def test_leaves_these_files_and_no_others(finished):
    assert finished.code == 0
    assert names_in(finished.folder) == finished.files


def test_config_holds_every_option_resolved(finished):
    config = config_of(finished.folder)
    given = options.make_parser(VARIANTS).parse_args([*map(str, finished.arguments)])
    assert set(config) == set(vars(given)) - {"out", "overwrite"}
    for name, value in vars(given).items():
        if value is not None and name in config:
            assert config[name] == value
    own = {"vanilla": "gaussian", "bernoulli": "bernoulli"}.get(finished.variant)
    table = defaults.for_data("yours", own, finished.variant)
    for name in ("learning_rate", "likelihood", "kl_weight", "gmm", "message"):
        assert config[name] == table[name]
    assert config["rounds"] == finished.rounds
    assert config["seed"] == 0 and config["n_samples"] == 1


def test_model_loads_and_encodes_as_the_latents_say(finished):
    model = models.load(finished.folder / "model.keras")
    latents = arrays_of(finished.folder)
    x_mean = model.reconstruct(finished.x)
    assert x_mean.shape == finished.x.shape and np.isfinite(x_mean).all()
    z_mean, z_log_var = model.encode(finished.x)
    np.testing.assert_allclose(latents["z_mean"], z_mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(latents["z_log_var"], z_log_var, rtol=1e-4, atol=1e-5)


def test_history_has_a_row_an_epoch_and_its_terms_make_the_loss(finished):
    path = finished.folder / "history.csv"
    np.testing.assert_array_equal(
        column(path, "epoch"), np.arange(2 * finished.rounds) + 1
    )
    np.testing.assert_array_equal(
        column(path, "round"), np.repeat(np.arange(finished.rounds) + 1, 2)
    )
    kl, weight = column(path, "kl"), column(path, "kl_weight")
    terms = weight * kl - column(path, "log_likelihood")
    np.testing.assert_allclose(column(path, "loss"), terms, rtol=1e-5)
    assert np.all(kl >= 0)


def test_rounds_has_a_row_a_round(finished):
    rows = rows_of(finished.folder / "rounds.csv")
    assert [int(row["round"]) for row in rows] == [*range(1, finished.rounds + 1)]
    last = rows_of(finished.folder / "history.csv")[-1]
    for name in ("loss", "log_likelihood", "kl"):
        assert float(rows[-1][name]) == pytest.approx(float(last[name]))
    if finished.rounds > 1:
        assert rows[0]["agreement"] == "" and 0 < float(rows[1]["agreement"]) <= 1


def test_latents_have_a_row_a_datum_and_classes_index_responsibilities(finished):
    latents = arrays_of(finished.folder)
    n, dim = len(finished.x), config_of(finished.folder)["latent_dim"]
    shapes = {name: array.shape for name, array in latents.items()}
    expected = dict.fromkeys(("z_mean", "z_log_var", "z"), (n, dim))
    expected |= {"classes": (n,), "responsibilities": (n, 3)}
    expected |= {} if finished.labels is None else {"labels": (n,)}
    assert shapes == expected
    responsibilities = latents["responsibilities"]
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(latents["classes"], responsibilities.argmax(axis=1))
    if finished.labels is not None:
        np.testing.assert_array_equal(latents["labels"], finished.labels)


def test_the_mixture_gives_back_the_responsibilities(finished):
    stored, latents = arrays_of(finished.folder, "gmm.npz"), arrays_of(finished.folder)
    log_joint = mixture.Mixture(**stored).log_joint(latents["z"].astype(float))
    joint = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
    again = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(again, latents["responsibilities"], atol=1e-6)


def test_metrics_are_the_scores_of_the_arrays(finished):
    metrics = json.loads((finished.folder / "metrics.json").read_text())
    assert set(metrics) == {"first", "last"}
    assert (metrics["first"]["round"], metrics["last"]["round"]) == (1, finished.rounds)
    if finished.labels is None:
        assert not {"accuracy", "ari", "nmi"} & set(metrics["last"])
        return
    latents = arrays_of(finished.folder)
    scores = clustering_scores(latents["labels"], latents["classes"])
    assert {name: metrics["last"][name] for name in scores} == scores


def test_pictures_open_and_show_something(finished):
    paths = sorted(finished.folder.glob("*.png"))
    assert {path.name for path in paths} == {f for f in finished.files if "png" in f}
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert min(image.size) > 50, path.name
            colours = image.convert("RGB").getcolors(maxcolors=2**24)
        assert len(colours) > 1, f"{path.name} is blank"


def test_says_what_runs_the_table_and_the_files(finished):
    out, name = finished.out, Path(finished.arguments[3]).stem
    shape = " x ".join(map(str, finished.x.shape[1:]))
    assert out.startswith(f"{name}: {len(finished.x)} rows of {shape}\n")
    assert f"\n{finished.variant}: " in out
    (heading,) = re.findall(r"^round +loss .*$", out, flags=re.M)
    table = out[out.index(heading) :].splitlines()
    for number, line in enumerate(table[1 : 1 + finished.rounds], 1):
        assert line.split()[0] == str(number) and len(line) == len(heading)
    assert ("accuracy" in out) == (finished.labels is not None)
    listed = out[out.index(f"Written to {finished.folder}:") :].splitlines()[1:]
    assert {line.split()[0] for line in listed} == finished.files
    assert all(len(line.split()) > 1 for line in listed), "a file without a word on it"
    assert "error" not in finished.err and "Traceback" not in finished.err


def test_rounds_of_scores_are_shown_first_and_last(finished):
    lines = re.findall(r"^after round (\d+) .*$", finished.out, flags=re.M)
    rounds = {1: ["1"], 2: ["1", "2"]}[finished.rounds]
    assert lines == ([] if finished.labels is None else rounds)


# --- Options, without the pictures ----------------------------------------------------


@pytest.fixture
def light(monkeypatch, data, tmp_path):
    """Runs the command on the table without drawing; the result has its `folder`."""
    monkeypatch.setattr(report, "draw", lambda *_: None)
    monkeypatch.setattr(report.plots, "curves", lambda *_: None)
    monkeypatch.setattr(RunFolder, "figure", lambda *_: None)

    def start(*arguments, out=tmp_path / "out", name="table.npz", small=True):
        where = [] if out is None else ["--out", out]
        settings = SMALL if small else ["--epochs", "2"]
        result = run("--data", data / name, *settings, *arguments, *where)
        result.folder = out
        return result

    return start


@pytest.fixture
def made(data):
    """The modules that the command would train: (observation, vae, mixture)."""

    def make(*arguments):
        dataset = load(data / "table.npz")
        parser = options.make_parser(VARIANTS)
        given = parser.parse_args([*SMALL, *map(str, arguments)])
        return train.make_loop(options.resolve(given, dataset), dataset).modules

    return make


def test_gaussian_of_sigma_1_is_the_squared_error(made):
    observation, vae, _ = made("--likelihood", "gaussian", "--sigma", "1")
    x = observation.forward.mean
    nothing = {"prior_mean": np.zeros((60, 3)), "prior_precision": np.ones((60, 3))}
    out = vae.model.predict({"x": x} | nothing, verbose=0)
    squares = np.square(x - out["x_mean"]).sum(axis=1)
    expected = -0.5 * squares - 3 * np.log(2 * np.pi)
    np.testing.assert_allclose(out["log_likelihood"], expected, rtol=1e-4)


@pytest.mark.parametrize(
    "arguments, weights",
    [
        ("--kl-weight linear:5:0.5 --gmm variational --message soft", [0, 1, 2, 3]),
        ("--kl-weight cyclical:4:0.2 --gmm gibbs --message hard", [0, 1, 2, 2]),
    ],
)
def test_schedules_mixtures_and_messages(light, arguments, weights):
    """The schedule goes on through the rounds; here its weights in tenths."""
    result = light(*arguments.split(), "--rounds", "2")
    assert result.code == 0
    config, words = config_of(result.folder), arguments.split()
    assert [config["kl_weight"], config["gmm"], config["message"]] == words[1::2]
    path = result.folder / "history.csv"
    weights = 0.1 * np.array(weights)
    np.testing.assert_allclose(column(path, "kl_weight"), weights, rtol=1e-6)
    terms = weights * column(path, "kl") - column(path, "log_likelihood")
    np.testing.assert_allclose(column(path, "loss"), terms, rtol=1e-5)
    assert np.isfinite(column(result.folder / "rounds.csv", "bound")).all()
    responsibilities = arrays_of(result.folder)["responsibilities"]
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1, rtol=1e-6)


def test_convolutions_reach_the_model(light):
    words = "--network conv --filters 4 6 --normalization group --residual"
    options = [*words.split(), "--batch-size", "50", "--n-components", "3"]
    result = light("--variant", "bernoulli", *options, name="images.npz", small=False)
    assert result.code == 0 and "bernoulli p(x|z), conv 4-6-" in result.out
    model = models.load(result.folder / "model.keras")
    kinds = {type(layer).__name__ for layer in model.get_layer("encoder").layers}
    assert {"Conv2D", "GroupNormalization", "Add"} <= kinds
    assert model.reconstruct(np.zeros((2, 8, 8))).shape == (2, 8, 8)


def test_a_capacity_reaches_the_model_and_the_history(light):
    result = light("--variant", "beta", "--capacity", "linear:2:5")
    assert result.code == 0 and "KL weight 4 from linear:2:5 nats" in result.out
    history = result.folder / "history.csv"
    np.testing.assert_allclose(column(history, "capacity"), [0.0, 2.5])
    elbo = models.load(result.folder / "model.keras").get_layer("elbo")
    assert elbo.schedules["capacity"](1) == 2.5


@pytest.mark.parametrize(
    "option, value, chosen",
    [
        ("gmm", "em", lambda m: type(m.inference) is mixture.EM),
        ("gmm", "variational", lambda m: type(m.inference) is mixture.Variational),
        ("gmm", "gibbs", lambda m: type(m.inference) is gibbs.Gibbs),
        ("message", "hard", lambda m: m.message is gmm.hard),
        ("message", "soft", lambda m: m.message is gmm.soft),
    ],
)
def test_words_become_functions(made, option, value, chosen):
    assert chosen(made(f"--{option}", value)[-1])


def test_numbers_reach_the_model_and_the_training(made):
    numbers = "--learning-rate 0.02 --n-samples 3 --hidden-dims 7 5 --batch-size 30"
    _, vae, classes = made("--variant", "vanilla", *numbers.split(), "--epochs", "9")
    assert (vae.learning_rate, vae.batch_size, vae.itr) == (0.02, 30, 9)
    assert classes.K == 3
    kernels = [weight.shape for weight in vae.model.get_layer("encoder").weights]
    assert (6, 7) in kernels and (7, 5) in kernels
    assert vae.model.get_layer("z").n_samples == 3


def test_the_seed_decides_weights_noise_and_starts(made):
    def drawn(seed):
        _, vae, classes = made("--seed", seed)
        weights = [w.numpy() for w in vae.model.get_layer("encoder").weights]
        draws = [module.rng.random() for module in (vae, classes)]
        return np.concatenate([*map(np.ravel, weights), draws])

    np.testing.assert_array_equal(drawn(5), drawn(5))
    assert not np.array_equal(drawn(5), drawn(6))
    assert drawn(0)[-1] != drawn(0)[-2], "one stream for two modules"


def test_a_seed_decides_the_result_and_labels_do_not(light, tmp_path):
    """Twice the same seed, the second time without labels; then another seed."""
    latents, scores = [], []
    for seed, name in ((5, "table.npz"), (5, "unlabelled.npy"), (6, "table.npz")):
        np.random.seed(len(scores))  # what else draws numbers must not matter
        folder = tmp_path / str(len(scores))
        assert light("--seed", seed, "--rounds", "2", out=folder, name=name).code == 0
        latents.append(arrays_of(folder))
        metrics = json.loads((folder / "metrics.json").read_text())
        for row in metrics.values():
            for key in [key for key in row if "seconds" in key]:
                del row[key]
        scores.append(metrics)
    one, same, other = latents
    assert set(one) - set(same) == {"labels"}
    for name, array in same.items():
        np.testing.assert_array_equal(array, one[name], err_msg=name)
    for when, row in scores[1].items():
        assert {key: scores[0][when][key] for key in row} == row
    assert scores[0] != scores[2]
    assert not np.array_equal(one["z_mean"], other["z_mean"])


def test_labels_of_a_file_of_their_own_give_scores(light, data):
    arguments = "--variant", "vanilla", "--labels", data / "labels.csv"
    result = light(*arguments, name="unlabelled.npy")
    labels = arrays_of(result.folder)["labels"]
    np.testing.assert_array_equal(labels, np.arange(60) % 3)
    metrics = json.loads((result.folder / "metrics.json").read_text())
    assert {"accuracy", "ari", "nmi"} <= set(metrics["last"])
    assert config_of(result.folder)["labels"] == str(data / "labels.csv")


# --- Where results go -----------------------------------------------------------------


def test_a_folder_that_holds_files_is_refused_and_stays_as_it_was(light, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("mine")
    result = light(out=folder)
    assert result.code == 2
    assert f"--out {folder} holds files already" in result.err
    assert "--overwrite" in result.err
    assert names_in(folder) == {"config.json"}
    assert (folder / "config.json").read_text() == "mine"


def test_overwrite_replaces_its_own_files_and_leaves_others(light, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("config.json", "notes.txt"):
        (folder / name).write_text("mine")
    assert light("--overwrite", "--variant", "vanilla", out=folder).code == 0
    assert (folder / "notes.txt").read_text() == "mine"
    assert config_of(folder)["variant"] == "vanilla"


def test_default_folders_are_numbered(light, tmp_path, monkeypatch):
    """The command run in a process of its own, below, finds 001 free."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "vanilla-table-001").mkdir(parents=True)
    result = light("--variant", "vanilla", "--epochs", "1", out=None)
    assert result.code == 0
    assert "Written to runs/vanilla-table-002:" in result.out
    assert (tmp_path / "runs" / "vanilla-table-002" / "model.keras").is_file()
    assert names_in(tmp_path / "runs" / "vanilla-table-001") == set()


# --- Ctrl-C ---------------------------------------------------------------------------


def interrupt_round(monkeypatch, module, number, after=0):
    """Ctrl-C in round `number`, `after` so many steps of the module."""
    learn, rounds, steps = module.learn, [], []

    def interrupted(self, tick):
        rounds.append(1)
        if len(rounds) < number:
            return learn(self, tick)
        if not after:
            raise KeyboardInterrupt

        def last_tick():
            tick()
            steps.append(1)
            if len(steps) == after:
                raise KeyboardInterrupt

        return learn(self, last_tick)

    monkeypatch.setattr(module, "learn", interrupted)


def test_ctrl_c_in_a_later_round_keeps_the_rounds_before(monkeypatch, data, tmp_path):
    interrupt_round(monkeypatch, VAE, 2, after=1)
    folder = tmp_path / "out"
    result = run("--data", data / "table.npz", *SMALL, "--rounds", "3", "--out", folder)
    assert result.code == train.INTERRUPTED == 130
    assert names_in(folder) == FILES
    path = folder / "history.csv"
    np.testing.assert_array_equal(column(path, "round"), [1, 1, 2])
    assert len(rows_of(folder / "rounds.csv")) == 1
    models.load(folder / "model.keras")
    assert f"Written to {folder}:" in result.out
    assert "Interrupted" in result.err and "Traceback" not in result.err


def test_ctrl_c_in_the_mixture_leaves_arrays_of_one_round(light, monkeypatch):
    """latents.npz is the last whole round: its latents belong to its classes."""
    interrupt_round(monkeypatch, GMM, 2)
    result = light("--rounds", "2", "--message", "hard")
    assert result.code == 130
    latents = arrays_of(result.folder)
    stored = mixture.Mixture(**arrays_of(result.folder, "gmm.npz"))
    classes = stored.log_joint(latents["z"].astype(float)).argmax(axis=1)
    np.testing.assert_array_equal(classes, latents["classes"])


@pytest.mark.parametrize("after, files", [(0, set()), (1, {"history.csv"})])
def test_ctrl_c_in_the_first_round_keeps_the_model(light, monkeypatch, after, files):
    interrupt_round(monkeypatch, VAE, 1, after)
    result = light("--rounds", "2")
    assert result.code == 130
    assert names_in(result.folder) == {"config.json", "model.keras"} | files
    models.load(result.folder / "model.keras")
    if files:
        assert len(rows_of(result.folder / "history.csv")) == 1


@pytest.mark.parametrize("where", ["while it reads the data", "while it writes"])
def test_ctrl_c_outside_training_ends_the_command_quietly(light, monkeypatch, where):
    def interrupt(*_):
        raise KeyboardInterrupt

    if where == "while it writes":
        monkeypatch.setattr(report, "write_arrays", interrupt)
    else:
        monkeypatch.setattr("models.experiment.data.load", interrupt)
    try:
        result = light("--variant", "vanilla")
    except KeyboardInterrupt:
        pytest.fail("the user sees a traceback")
    assert result.code == 130


# --- The real command -----------------------------------------------------------------


def environment():
    """As a user's: nothing set that keeps TensorFlow quiet."""
    noise = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS")
    kept = {name: value for name, value in os.environ.items() if name not in noise}
    return kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def command(*arguments, python=("-m", "models.train"), **kwargs):
    """Runs a new Python with these arguments."""
    return subprocess.run(
        [sys.executable, *python, *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        **kwargs,
    )


def test_the_command_is_free_of_the_backends_noise(data, tmp_path):
    arguments = "--data", data / "unlabelled.npy", *SMALL, "--variant", "vanilla"
    result = command(*arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert not re.findall("oneDNN|absl|WARNING|Traceback|^[IWEF]0000", result.stderr)
    assert result.stdout.startswith("unlabelled: 60 rows of 6\n")
    assert "Written to runs/vanilla-unlabelled-001:" in result.stdout
    assert names_in(tmp_path / "runs" / "vanilla-unlabelled-001") == FILES


def test_help_names_every_option_and_imports_no_backend(tmp_path):
    result = command(
        "--help", python=("-X", "importtime", "-m", "models.train"), cwd=tmp_path
    )
    assert result.returncode == 0
    for action in options.make_parser(VARIANTS)._actions:
        assert all(flag in result.stdout for flag in action.option_strings)
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"keras", "tensorflow", "jax", "torch", "sklearn"}


INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # if pytest's shell ignores it
runpy.run_module("models.train", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_ends_the_command_with_130_and_keeps_the_model(data, tmp_path):
    folder, paths = tmp_path / "out", [tmp_path / "stdout", tmp_path / "stderr"]
    arguments = ["--data", data / "table.npz", *SMALL, "--out", folder]
    arguments += ["--epochs", "1000000"]
    with paths[0].open("w") as out, paths[1].open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTIBLE, *map(str, arguments)],
            env=environment(),
            stdout=out,
            stderr=err,
        )
        try:
            wait_for(paths[0], "1000000 epochs", process)
            wait_for(paths[1], r"round 1, vae.* [1-9]\d*/", process)
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=60)
        finally:
            process.kill()
            process.wait()
    out, err = (path.read_text() for path in paths)
    assert code == 130, err
    assert "Traceback" not in err
    kept = {"config.json", "model.keras", "history.csv", "curves.png"}
    assert names_in(folder) == kept
    models.load(folder / "model.keras")
    assert np.isfinite(column(folder / "history.csv", "loss")).all()
    assert f"Written to {folder}:" in out and "model.keras" in out


def wait_for(path, pattern, process, seconds=120):
    """Until the file holds the pattern, while the process runs."""
    end = time.monotonic() + seconds
    while not re.search(pattern, path.read_text()):
        assert process.poll() is None, path.read_text()
        assert time.monotonic() < end, f"no {pattern!r} in {path.read_text()!r}"
        time.sleep(0.1)
