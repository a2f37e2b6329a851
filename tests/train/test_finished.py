"""What a finished run of `python -m models.train` leaves behind, and what it says."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import models
from models import VARIANTS
from models.cli import defaults, options
from models.evaluation.metrics import clustering_scores
from serket_bridge.inference import em

# What a variant is tried on, further options, and the files these add to the others. A
# variant without a row here gets the table.
ON = {
    "serket": ("table.npz", ["--rounds", "2"], {"rounds.png", "rounds.npz"}),
    "vanilla": ("unlabelled.npy", ["--latent-dim", "2"], {"manifold.png"}),
    "bernoulli": ("images.npz", ["--batch-size", "50"], set()),
}


@pytest.fixture(scope="module", params=list(VARIANTS))
def finished(request, run, small, files, data, tmp_path_factory):
    """A finished run: what it was given, its folder, and what it said."""
    name, more, further = ON.get(request.param, ("table.npz", [], set()))
    folder = tmp_path_factory.mktemp("run") / "out"
    arguments = ["--variant", request.param, "--data", data / name, *small, *more]
    result = run(*arguments, "--out", folder)
    stored = np.load(data / name)
    x, labels = (stored, None) if name.endswith("npy") else (stored["x"], stored["y"])
    return SimpleNamespace(
        variant=request.param,
        arguments=arguments,
        folder=folder,
        files=files | further,
        x=x.astype("float32"),
        labels=labels,
        rounds=2 if "--rounds" in more else 1,
        **vars(result),
    )


def test_leaves_these_files_and_no_others(read, finished):
    assert finished.code == 0
    assert read.names(finished.folder) == finished.files


def test_config_holds_every_option_resolved(read, finished):
    config = read.json(finished.folder, "config.json")
    given = options.make_parser(VARIANTS).parse_args([*map(str, finished.arguments)])
    elsewhere = {"out", "overwrite", "explore", "distribute", "checkpoint", "resume"}
    assert set(config) == set(vars(given)) - elsewhere
    for name, value in vars(given).items():
        if value is not None and name in config:
            assert config[name] == value
    own = {"vanilla": "gaussian", "bernoulli": "bernoulli"}.get(finished.variant)
    table = defaults.for_data("custom", own, finished.variant)
    for name in ("learning_rate", "likelihood", "kl_weight", "gmm", "message"):
        assert config[name] == table[name]
    assert config["rounds"] == finished.rounds
    assert config["seed"] == 0 and config["n_samples"] == (
        5 if config["variant"] == "iwae" else 1
    )


def test_model_loads_and_encodes_as_the_latents_say(read, finished):
    model = models.load(finished.folder / "model.keras")
    latents = read.arrays(finished.folder)
    label = {"label": finished.labels} if "label" in model.input else {}
    x_mean = model.reconstruct(finished.x, **label)
    assert x_mean.shape == finished.x.shape and np.isfinite(x_mean).all()
    z_mean, z_log_var = model.encode(finished.x, **label)
    np.testing.assert_allclose(latents["z_mean"], z_mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(latents["z_log_var"], z_log_var, rtol=1e-4, atol=1e-5)


def test_history_has_a_row_an_epoch_and_its_terms_make_the_loss(read, finished):
    path = finished.folder / "history.csv"
    np.testing.assert_array_equal(
        read.column(path, "epoch"), np.arange(2 * finished.rounds) + 1
    )
    np.testing.assert_array_equal(
        read.column(path, "round"), np.repeat(np.arange(finished.rounds) + 1, 2)
    )
    kl, weight = read.column(path, "kl"), read.column(path, "kl_weight")
    terms = weight * kl - read.column(path, "log_likelihood")
    if finished.variant == "iwae":  # a tighter bound
        assert np.all(read.column(path, "loss") < terms)
    else:
        np.testing.assert_allclose(read.column(path, "loss"), terms, rtol=1e-5)
    assert np.all(kl >= 0)


def test_rounds_has_a_row_a_round(read, finished):
    rows = read.rows(finished.folder / "rounds.csv")
    assert [int(row["round"]) for row in rows] == [*range(1, finished.rounds + 1)]
    last = read.rows(finished.folder / "history.csv")[-1]
    for name in ("loss", "log_likelihood", "kl"):
        assert float(rows[-1][name]) == pytest.approx(float(last[name]))
    if finished.rounds > 1:
        assert rows[0]["agreement"] == "" and 0 < float(rows[1]["agreement"]) <= 1


def test_latents_have_a_row_a_datum_and_classes_index_responsibilities(read, finished):
    latents = read.arrays(finished.folder)
    n, dim = len(finished.x), read.json(finished.folder, "config.json")["latent_dim"]
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


def test_the_mixture_gives_back_the_responsibilities(read, finished):
    stored, latents = (
        read.arrays(finished.folder, "gmm.npz"),
        read.arrays(finished.folder),
    )
    log_joint = em.Mixture(**stored).log_joint(latents["z"].astype(float))
    joint = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
    again = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(again, latents["responsibilities"], atol=1e-6)


def test_metrics_are_the_scores_of_the_arrays(read, finished):
    metrics = read.json(finished.folder, "metrics.json")
    assert set(metrics) == {"first", "last"}
    assert (metrics["first"]["round"], metrics["last"]["round"]) == (1, finished.rounds)
    if finished.labels is None:
        assert not {"accuracy", "ari", "nmi"} & set(metrics["last"])
        return
    latents = read.arrays(finished.folder)
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
