"""Serket's names: its scripts run as its documents print them, and leave its files."""

import inspect
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import serket_bridge as srk
from models import data
from models.blocks.likelihoods import Bernoulli, Gaussian
from serket_bridge import gmm, vae
from serket_bridge.scores import matching_accuracy

SCRIPTS = Path(__file__).parent / "scripts"
MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist.npz"
VAE_FILES = {"loss.txt", "z_learn.txt", "x_hat_learn.txt", "model.keras", "module.json"}
GMM_FILES = {"class_learn.txt", "Pdz_learn.txt", "mu_learn.txt"} | {
    "acc_learn.txt",
    "model.npz",
    "module.json",
}


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def run_script(name, folder, x, labels, monkeypatch):
    """Runs a script where Serket's users do: in the folder that holds its data."""
    np.savetxt(folder / "data.txt", x)
    np.savetxt(folder / "category.txt", labels)
    monkeypatch.chdir(folder)
    with srk.output_dir("."):
        return runpy.run_path(str(SCRIPTS / name))


# --- The documents' signatures --------------------------------------------------------


@pytest.mark.parametrize(
    "kind, printed",
    [
        (
            vae.VAE,
            "latent_dim, weight_stddev=0.1, itr=5000, name='vae', "
            "hidden_encoder_dim=100, hidden_decoder_dim=100, batch_size=None, "
            "KL_param=1, mode='learn'",
        ),
        (gmm.GMM, "K, itr=100, name='gmm', category=None, mode='learn'"),
    ],
)
def test_the_positional_arguments_are_the_documents(kind, printed):
    parameters = inspect.signature(kind).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    words = [str(p.replace(annotation=p.empty)) for p in positional]
    assert ", ".join(words).replace("latent_dim=None", "latent_dim") == printed
    others = {p.name for p in parameters} - {p.name for p in positional}
    assert {"seed", "verbose", "message"} <= others


def test_both_ways_to_the_names():
    assert srk.VAE is vae.VAE and srk.GMM is gmm.GMM and srk.vae is vae


# --- The scripts ----------------------------------------------------------------------


def test_the_tutorials_script(prints, tmp_path, monkeypatch):
    left = run_script("vae_gmm_tutorial.py", tmp_path, *prints, monkeypatch)
    assert names_in(tmp_path / "module001_vae") == VAE_FILES
    assert names_in(tmp_path / "module002_gmm") == GMM_FILES
    assert left["vae1"].epochs_trained == 5 * 200


@pytest.mark.filterwarnings("ignore:catogory")
def test_the_vae_documents_script(prints, tmp_path, monkeypatch):
    """With fewer steps than the 5000 of the document, but all of its lines."""
    names, *defaults = zip(*defaults_of(vae.VAE.__init__), strict=True)
    (defaults,) = defaults
    fewer = tuple(
        60 if name == "itr" else v for name, v in zip(names, defaults, strict=True)
    )
    monkeypatch.setattr(vae.VAE.__init__, "__defaults__", fewer)
    left = run_script("vae_document.py", tmp_path, *prints, monkeypatch)
    assert names_in(tmp_path / "module001_vae") == VAE_FILES
    assert names_in(tmp_path / "module002_gmm") == GMM_FILES
    assert left["vae1"].epochs_trained == 5 * 60
    loss = np.loadtxt(tmp_path / "module001_vae" / "loss.txt")
    np.testing.assert_array_equal(loss[:, 0], [50, 100, 150, 200, 250, 300])


def defaults_of(function):
    parameters = inspect.signature(function).parameters.values()
    return [
        (p.name, p.default)
        for p in parameters
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty
    ]


@pytest.mark.slow
@pytest.mark.skipif(not MNIST.exists(), reason="the tutorial's MNIST is not here")
def test_the_tutorial_on_its_data(tmp_path, monkeypatch):
    """Serket's own median after five rounds is .667 (5 seeds)."""
    images = data.load(f"serket:{MNIST}")
    keras.utils.set_random_seed(0)
    x = images.x.reshape(3000, 784)
    run_script("vae_gmm_tutorial.py", tmp_path, x, images.labels, monkeypatch)
    assert float(np.loadtxt(tmp_path / "module002_gmm" / "acc_learn.txt")) > 0.667


# --- Files ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(make_loop, prints, tmp_path_factory):
    """(a loop whose modules were updated twice by hand, their folder)."""
    folder = tmp_path_factory.mktemp("results")
    loop = make_loop(gmm={"category": prints[1]})
    with srk.output_dir(folder):
        for _ in range(2):
            loop["vae"].update()
            loop["gmm"].update()
    return loop, folder


def test_files_hold_what_their_names_say(results, prints):
    loop, folder = results
    x, labels = prints
    read = {
        path.stem: np.loadtxt(path)
        for path in sorted(folder.glob("*/*.txt"))
        if path.parent.name in ("module001_vae", "module002_gmm")
    }
    one, mixture = loop["vae"], loop["gmm"]
    np.testing.assert_array_equal(read["z_learn"], one.forward.mean)
    np.testing.assert_array_equal(
        read["x_hat_learn"].astype("float32"), one.model.decode(one.forward.mean)
    )
    assert read["x_hat_learn"].shape == x.shape
    np.testing.assert_allclose(read["loss"][:, 1], one.history["loss"], rtol=1e-12)
    np.testing.assert_array_equal(read["class_learn"], mixture.classes)
    np.testing.assert_array_equal(read["class_learn"], read["Pdz_learn"].argmax(axis=1))
    np.testing.assert_allclose(read["Pdz_learn"].sum(axis=1), 1, rtol=1e-6)
    means = mixture.mixture.means[mixture.classes]
    np.testing.assert_allclose(read["mu_learn"], means, rtol=1e-7)
    accuracy = matching_accuracy(labels, mixture.classes)
    assert read["acc_learn"] == pytest.approx(accuracy, abs=1e-6)


def test_recognition_from_the_files(results, make_loop, prints, tmp_path):
    """mode="recog" in a script of its own, with new data."""
    loop, folder = results
    new = prints[0][:30]
    with srk.output_dir(folder):
        obs, one = srk.Observation(new), vae.VAE(2, mode="recog")
        mixture = gmm.GMM(3, mode="recog", category=prints[1][:30])
        one.connect(obs)
        mixture.connect(one)
        one.update()
        mixture.update()
    expected = loop.recognize(new)["gmm"]
    np.testing.assert_array_equal(mixture.classes, expected.classes)
    recog = {path.name for path in folder.glob("*/*_recog.txt")}
    assert recog == {"z_recog.txt", "x_hat_recog.txt", "class_recog.txt"} | {
        "Pdz_recog.txt",
        "mu_recog.txt",
        "acc_recog.txt",
    }
    written = np.loadtxt(folder / "module002_gmm" / "class_recog.txt")
    np.testing.assert_array_equal(written, mixture.classes)
    np.testing.assert_array_equal(
        np.loadtxt(folder / "module002_gmm" / "class_learn.txt"), loop["gmm"].classes
    )


def test_a_loop_of_serkets_folders(results, prints):
    loop, folder = results
    loaded = srk.load(folder)
    assert [m.name for m in loaded.modules] == ["obs", "vae", "gmm"]
    new = prints[0][::2]
    np.testing.assert_array_equal(
        loaded.recognize(new)["gmm"].responsibilities,
        loop.recognize(new)["gmm"].responsibilities,
    )


def test_a_message_of_ones_own_can_be_updated_but_not_loaded(make_loop, tmp_path):
    loop = make_loop(
        gmm={"message": lambda r, mixture: gmm.class_mean_message(r, mixture)}
    )
    with srk.output_dir(tmp_path):
        loop["vae"].update()
        loop["gmm"].update()
    assert (tmp_path / "module002_gmm" / "mu_learn.txt").exists()
    with pytest.raises(
        ValueError, match="only what is registered .* Received: message="
    ):
        srk.load(tmp_path)


def test_recognition_without_files_asks_to_learn_first(prints, tmp_path):
    one = vae.VAE(2, mode="recog")
    one.connect(srk.Observation(prints[0]))
    with (
        srk.output_dir(tmp_path),
        pytest.raises(
            ValueError, match="learned nothing yet: .*module001_vae.*Learn fir"
        ),
    ):
        one.update()
    assert not list(tmp_path.iterdir())


def test_output_dir_as_a_call_and_in_a_block(tmp_path):
    before = srk.output_dir.current
    with srk.output_dir(tmp_path / "one"):
        assert srk.output_dir.current == tmp_path / "one"
        with srk.output_dir(None):
            assert srk.output_dir.current is None
        assert srk.output_dir.current == tmp_path / "one"
    assert srk.output_dir.current == before


def test_loss_txt_has_every_loss_step_th_epoch(prints, tmp_path):
    one = vae.VAE(2, itr=5, batch_size=60, loss_step=2, seed=0)
    one.connect(srk.Observation(prints[0]))
    with srk.output_dir(tmp_path):
        one.update()
    loss = np.loadtxt(tmp_path / "module001_vae" / "loss.txt")
    np.testing.assert_array_equal(loss[:, 0], [2, 4, 5])


def test_load_dir_recognises_with_what_was_learned(results, prints):
    loop, folder = results
    obs = srk.Observation(prints[0][:30])
    one = vae.VAE(2, load_dir=folder / "module001_vae")
    mixture = gmm.GMM(3, load_dir=folder / "module002_gmm")
    one.connect(obs)
    mixture.connect(one)
    for module in (one, mixture):
        module.update()
        assert module.mode == "recog"
    expected = loop.recognize(prints[0][:30])["gmm"].responsibilities
    np.testing.assert_allclose(mixture.responsibilities, expected, rtol=1e-5)


@pytest.mark.parametrize("kind", [vae.VAE, gmm.GMM])
def test_load_dir_without_a_model_asks_to_learn_first(kind, tmp_path):
    with pytest.raises(ValueError, match="has learned nothing yet: .*model.*does not"):
        kind(2, load_dir=tmp_path)


def test_a_file_that_cannot_be_written_leaves_the_old_one(results, monkeypatch):
    loop, folder = results
    before = (folder / "module001_vae" / "z_learn.txt").read_text()

    def breaks(part, *_, **__):
        Path(part).write_text("half")
        raise OSError("the disk is full")

    monkeypatch.setattr(np, "savetxt", breaks)
    with pytest.raises(OSError, match="full"):
        loop["vae"].write_results(folder / "module001_vae")
    assert (folder / "module001_vae" / "z_learn.txt").read_text() == before
    assert not list(folder.rglob(".partial*"))


# --- Names ----------------------------------------------------------------------------


def test_the_documents_typo_is_taken_with_a_hint(prints):
    with pytest.warns(UserWarning, match="did you mean category"):
        assert gmm.GMM(3, catogory=prints[1]).category is not None


def test_newer_names():
    one = vae.VAE(3, epoch=7, KLD_weight=0.5, RE="MSE")
    one.connect(srk.Observation(np.random.default_rng(0).normal(size=(20, 4))))
    one.step()
    assert one.epochs_trained == 7
    assert isinstance(one.model.likelihood, Gaussian)
    assert one.model.likelihood.sigma == pytest.approx(np.sqrt(0.5))
    assert float(one.model.objective.schedules["kl_weight"].value) == 0.5


class Own(vae.VAE):
    """As Serket's newer examples."""

    def build_encoder(self, x, latent_dim):
        h = layers.Dense(9, activation="relu")(x)
        return layers.Dense(latent_dim)(h), layers.Dense(latent_dim)(h)

    def build_decoder(self, z):
        h = layers.Dense(7, activation="relu")(z)
        return layers.Dense(12)(h), keras.optimizers.RMSprop(3e-3)


def test_a_subclass_builds_its_networks(prints, tmp_path):
    one = Own(2, epoch=3, batch_size=50, seed=0)
    one.connect(srk.Observation(prints[0]))
    with srk.output_dir(tmp_path):
        one.update()
    assert isinstance(one.model.optimizer, keras.optimizers.RMSprop)
    assert float(one.model.optimizer.learning_rate) == pytest.approx(3e-3)
    assert isinstance(one.model.likelihood, Bernoulli)
    kernels = {w.shape for w in one.model.trainable_weights if len(w.shape) == 2}
    assert kernels == {(12, 9), (9, 2), (2, 7), (7, 12)}
    recognised = srk.load(tmp_path).recognize(prints[0])
    np.testing.assert_array_equal(
        recognised["vae"].forward.mean, one.model.encode(prints[0])[0]
    )


def test_a_subclass_with_one_function_is_refused():
    half = type("Half", (vae.VAE,), {"build_encoder": Own.build_encoder})
    with pytest.raises(TypeError, match="Half must have build_encoder and"):
        half(2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "needs latent_dim"),
        ({"latent_dim": 2, "RE": "L1"}, 'RE must be "BCE" or "MSE".*L1'),
        ({"latent_dim": 2, "itr": 0}, "itr must be an integer >= 1.*0"),
        ({"latent_dim": 2, "epoch": 1.5}, "epoch must be an integer >= 1.*1.5"),
        ({"latent_dim": 2, "batch_size": -1}, "batch_size must be an integer >= 1"),
        ({"latent_dim": 2, "mode": "test"}, 'mode must be "learn" or "recog"'),
        ({"latent_dim": 2, "name": "a/b"}, "name must be a word"),
        ({"latent_dim": 2, "hidden_decoder_dim": 0}, "decoder_dims must be"),
        ({"latent_dim": 2, "weight_stddev": 0}, "weight_stddev must be"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        vae.VAE(**arguments)
