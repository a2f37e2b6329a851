"""The files and the output of a finished run of `python -m models.train`."""

import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

import models
from models import VARIANTS
from models.blocks.objectives import ELBO, ImportanceWeighted
from models.cli import defaults, options, report
from models.cli.common_options import CONFIG
from models.evaluation.metrics import clustering_scores
from models.runs.run_folder import RunFolder
from models.runs.saved_run import SavedRun
from serket_bridge.inference.gaussian_mixture import GaussianMixture

PARAMETERS = "z_mean", "z_log_var"

TABLE = {"latent_effects.png", "pairs.png"}
# The runs with figures: data, further options, and the files that they add.
DRAWN = {
    "serket": ("table.npz", ["--rounds", "2"], {*TABLE, "rounds.png", "rounds.npz"}),
    "vanilla": ("unlabelled.npy", ["--latent-dim", "2"], {*TABLE, "manifold.png"}),
    "bernoulli": ("images.npz", ["--batch-size", "50"], set()),
}


def undrawn(variant):
    """As in DRAWN, of a run without figures of any variant."""
    model = VARIANTS[variant]((8, 8), 2, ())
    is_real = not (model.likelihood.in_unit_interval or model.likelihood.is_count)
    if not is_real and "likelihood" not in arguments_of(variant):
        return "images.npz", ["--batch-size", "50"], set()
    if model.takes_message:
        return "table.npz", ["--rounds", "2"], {"rounds.npz"}
    return "table.npz", [], set()


def arguments_of(variant):
    return inspect.signature(VARIANTS[variant]).parameters


@pytest.fixture(scope="module", params=list(VARIANTS))
def finished(request, run, small, files, data, tmp_path_factory):
    """A finished run: its arguments, folder and output."""
    variant, folder = request.param, tmp_path_factory.mktemp("run") / "out"
    name, more, further = DRAWN.get(variant) or undrawn(variant)
    arguments = ["--variant", variant, "--data", data / name, *small, *more]
    with pytest.MonkeyPatch.context() as patch:
        if variant not in DRAWN:
            files = {file for file in files if not file.endswith(".png")}
            patch.setattr(report, "draw_figures", lambda *_: None)
            patch.setattr(report.plotting, "plot_training_curves", lambda *_: None)
            patch.setattr(RunFolder, "write_figure", lambda *_: None)
            patch.setattr(report.shutil, "which", lambda _: None)  # no model.png
        result = run(*arguments, "--out", folder)
    assert result.code == 0, result.err
    stored = np.load(data / name)
    x, labels = (stored, None) if name.endswith("npy") else (stored["x"], stored["y"])
    return SimpleNamespace(
        variant=variant,
        arguments=arguments,
        folder=folder,
        files=files | further,
        x=x.astype("float32"),
        labels=labels,
        rounds=2 if "--rounds" in more else 1,
        model=models.load(folder / "model.keras"),
        **vars(result),
    )


def test_writes_these_files_and_no_others(read, finished):
    assert read.names(finished.folder) == finished.files


def test_config_has_every_option_with_its_value(read, finished):
    config = read.json(finished.folder, "config.json")
    given = options.parse([*map(str, finished.arguments)])
    assert set(config) >= set(CONFIG)
    for name, value in given.items():
        assert config[name] == (list(value) if isinstance(value, tuple) else value)
    assert config["rounds"] == finished.rounds and config["seed"] == 0
    signature = arguments_of(finished.variant)
    for name in ("kl_weight", "n_samples", "activation"):
        assert config[name] == signature[name].default
    for name in {"likelihood", "sigma"} & set(signature):
        assert config[name] == defaults.COMMON[name]


def test_the_model_loads_and_encodes_to_the_latents(read, finished):
    model, latents = finished.model, read.arrays(finished.folder)
    label = finished.labels if model.is_conditional else None
    x = SavedRun(finished.folder).dataset.x
    x_mean = model.reconstruct(x, label)
    assert x_mean.shape == finished.x.shape and np.isfinite(x_mean).all()
    if model.posterior.is_gaussian:
        expected = dict(zip(PARAMETERS, model.encode(x, label), strict=True))
    else:
        expected = {"z": model.latents(x)}
    for name, value in expected.items():
        np.testing.assert_allclose(latents[name], value, rtol=1e-4, atol=1e-5)


def test_history_has_a_row_per_epoch_whose_terms_are_the_loss(read, finished):
    path = finished.folder / "history.csv"
    np.testing.assert_array_equal(
        read.column(path, "epoch"), np.arange(2 * finished.rounds) + 1
    )
    np.testing.assert_array_equal(
        read.column(path, "round"), np.repeat(np.arange(finished.rounds) + 1, 2)
    )
    kl, weight = read.column(path, "kl"), read.column(path, "kl_weight")
    terms = weight * kl - read.column(path, "log_likelihood")
    objective = finished.model.objective
    if type(objective) is ELBO:
        np.testing.assert_allclose(read.column(path, "loss"), terms, rtol=1e-5)
    elif type(objective) is ImportanceWeighted:  # a tighter bound
        assert np.all(read.column(path, "loss") < terms)
    assert np.isfinite(read.column(path, "loss")).all()


def test_rounds_has_a_row_per_round(read, finished):
    rows = read.rows(finished.folder / "rounds.csv")
    assert [int(row["round"]) for row in rows] == [*range(1, finished.rounds + 1)]
    last = read.rows(finished.folder / "history.csv")[-1]
    for name in ("loss", "log_likelihood", "kl"):
        assert float(rows[-1][f"vae.{name}"]) == pytest.approx(float(last[name]))
    if finished.rounds > 1:
        assert rows[0]["agreement"] == "" and 0 < float(rows[1]["agreement"]) <= 1


def test_latents_have_a_row_per_example_and_classes_index_responsibilities(
    read, finished
):
    latents = read.arrays(finished.folder)
    n, dim = len(finished.x), read.json(finished.folder, "config.json")["latent_dim"]
    shapes = {name: array.shape for name, array in latents.items()}
    names = PARAMETERS if finished.model.posterior.is_gaussian else ()
    expected = dict.fromkeys((*names, "z"), (n, dim))
    expected |= {"classes": (n,), "responsibilities": (n, 3)}
    expected |= {} if finished.labels is None else {"labels": (n,)}
    assert shapes == expected
    responsibilities = latents["responsibilities"]
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(latents["classes"], responsibilities.argmax(axis=1))
    if finished.labels is not None:
        np.testing.assert_array_equal(latents["labels"], finished.labels)


def test_the_mixture_gives_the_responsibilities(read, finished):
    latents = read.arrays(finished.folder)
    mixture = read.arrays(finished.folder, "gmm.npz")
    known = np.full_like(latents["z"], -np.inf)  # where q(z|x) is a point
    precision = np.exp(-latents.get("z_log_var", known))
    mean = latents.get("z_mean", latents["z"]).astype(float)
    log_joint = GaussianMixture(**mixture).expected_log_joint(mean, precision)
    responsibilities = softmax(log_joint, axis=1)
    np.testing.assert_allclose(responsibilities, latents["responsibilities"], atol=1e-6)


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


def test_pictures_are_not_blank(finished):
    assert finished.variant not in DRAWN or list(finished.folder.glob("*.png"))
    paths = sorted(finished.folder.glob("*.png"))
    assert {path.name for path in paths} == {f for f in finished.files if "png" in f}
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert min(image.size) > 50, path.name
            colours = image.convert("RGB").getcolors(maxcolors=2**24)
        assert len(colours) > 1, f"{path.name} is blank"


def test_prints_the_configuration_the_table_and_the_files(finished):
    out, name = finished.out, Path(finished.arguments[3]).stem
    assert out.startswith(f"{name}: {len(finished.x)} rows of ")
    assert f"\n{finished.variant}: " in out
    (heading,) = re.findall(r"^round +loss .*$", out, flags=re.M)
    table = out[out.index(heading) :].splitlines()
    for number, line in enumerate(table[1 : 1 + finished.rounds], 1):
        assert line.split()[0] == str(number) and len(line) == len(heading)
    assert ("accuracy" in out) == (finished.labels is not None)
    written = out[out.index(f"Written to {finished.folder}:") :]
    listed = written.partition("\nwarning: ")[0].splitlines()[1:]  # short trainings
    assert {line.split()[0] for line in listed} == finished.files
    assert all(len(line.split()) > 1 for line in listed), "a file without a description"
    assert "error" not in finished.err and "Traceback" not in finished.err


def test_rounds_of_scores_are_shown_first_and_last(finished):
    lines = re.findall(r"^after round (\d+) .*$", finished.out, flags=re.M)
    rounds = {1: ["1"], 2: ["1", "2"]}[finished.rounds]
    assert lines == ([] if finished.labels is None else rounds)


def test_without_a_mixture_there_are_no_classes(read, light, files):
    words = "--variant vanilla --epochs 1 --batch-size 60 --hidden-dims 8"
    result = light(options=words.split())
    assert result.code == 0 and "classes by" not in result.out
    names = read.names(result.folder)
    assert {name for name in files if not name.endswith("png")} - names == {"gmm.npz"}
    config = read.json(result.folder, "config.json")
    assert config["n_components"] is None and config["gmm_inference"] is None
    assert set(read.arrays(result.folder)) == {"z", "z_mean", "z_log_var", "labels"}
    assert not {"accuracy", "gmm.bound"} & set(
        read.json(result.folder, "metrics.json")["last"]
    )
