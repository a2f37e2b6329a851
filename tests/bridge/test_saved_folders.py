"""Folders that are damaged or hold something else: refused, and nothing is lost."""

import shutil
import zipfile

import numpy as np
import pytest

import serket_bridge as srk
from serket_bridge import saving
from serket_bridge.gmm import collapsed_gaussian_message

QUIET = {"verbose": False}


# --- What else lies there -------------------------------------------------------------


def test_a_loop_that_has_run_is_not_overwritten(make_loop, two_rounds):
    other = make_loop(gmm={"seed": 9})
    other.run(1, **QUIET)
    with pytest.raises(ValueError, match="holds other rounds than this loop has run"):
        other.run(3, folder=two_rounds[1], **QUIET)
    assert len(other.rows) == 1


def test_what_the_user_has_in_the_folder_stays(two_rounds, tmp_path):
    """Only rounds of this loop are removed: no others, no files and no links."""
    loop, saved = two_rounds
    folder, mine = tmp_path / "run", ["round-000", "round-best", "round-1", "round-007"]
    shutil.copytree(saved, folder)
    for name in mine[:2]:
        (folder / name).mkdir()
        (folder / name / "notes.txt").write_text("mine")
    (folder / mine[2]).write_text("mine")
    (folder / mine[3]).symlink_to(tmp_path)
    saving.save_loop(loop, folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {*mine, "loop.json", "round-002"}
    assert all((folder / name / "notes.txt").exists() for name in mine[:2])


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_a_name_that_a_round_needs_is_refused_before_any_work(
    make_loop, tmp_path, kind
):
    path, loop = tmp_path / "round-002", make_loop()
    if kind == "folder":
        (path / "module000_obs").mkdir(parents=True)
    elif kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="round-002 is no round of this loop"):
        loop.run(2, folder=tmp_path, **QUIET)
    assert not loop.rows and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"vae": {"itr": 5}}, "vae has another config: itr is 4 there, 5 here"),
        ({"vae": {"message": srk.vae.mean}}, "message is .*sample.* there, .*mean"),
        (
            {"gmm": {"message": collapsed_gaussian_message}},
            "gmm has another config: message",
        ),
        ({"gmm": {"name": "mixture"}}, "gmm has another|module002_mixture"),
        (
            {"vae": {"hidden_encoder_dim": 9}},
            "fingerprint: hidden_encoder_dim is 8 there",
        ),
        ({"x": "other"}, "obs has another fingerprint: sha256 is"),
    ],
)
def test_another_loop_is_refused_and_nothing_lost(
    make_loop, prints, two_rounds, change, message
):
    folder = two_rounds[1]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    if change.get("x") == "other":
        change = {"x": 1 - prints[0]}
    with pytest.raises(ValueError, match=message):
        make_loop(**change).run(2, folder=folder, **QUIET)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


# --- What cannot be saved -------------------------------------------------------------


def test_messages_of_other_modules_cannot_be_saved(
    make_loop, send_message, tmp_path, rng
):
    prior = np.log(rng.dirichlet(np.ones(3), 120))
    loop = make_loop()
    send_message(loop["gmm"], prior)
    with pytest.raises(
        ValueError, match="child"
    ):  # whose message could not be restored
        loop.run(1, folder=tmp_path, **QUIET)


def test_what_cannot_be_saved_is_refused_before_any_work(make_loop, tmp_path):
    loop = make_loop(
        gmm={"message": lambda r, mixture: collapsed_gaussian_message(r, mixture)}
    )
    with pytest.raises(
        ValueError, match="gmm cannot be saved.*register.* message=<func"
    ):
        loop.run(1, folder=tmp_path, **QUIET)
    assert not loop.rows


# --- Loading --------------------------------------------------------------------------


def rename_key(folder, key):
    path = next(folder.glob("*/*_gmm/module.json"))
    path.write_text(path.read_text().replace(f'"{key}"', '"other"'))


def damage_stream(folder):
    """Flips the bits of the first compressed byte of every array."""
    path = next(folder.glob("*/*_gmm/model.npz"))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        for each in archive.infolist():
            name, extra = (content[each.header_offset + k] for k in (26, 28))
            content[each.header_offset + 30 + name + extra] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda folder: (folder / "loop.json").write_text("{"), "loop.json cannot be"),
        (
            lambda folder: (folder / "loop.json").write_text('{"format": 9}'),
            "format 1 or 2",
        ),
        (
            lambda f: next(f.glob("*/*_gmm/model.npz")).write_bytes(b"PK\3\4"),
            "model.npz cannot be read",
        ),
        (
            lambda f: next(f.glob("*/*_vae/model.keras")).write_bytes(b"PK\3\4"),
            "model.keras: no model could be loaded",
        ),
        (lambda f: shutil.rmtree(f / "round-001"), "no module was saved there"),
        (lambda f: (f / "loop.json").write_text("[]"), "loop.json cannot be read"),
        (
            lambda f: (f / "loop.json").write_text('{"format": 2, "rows": 1}'),
            "loop.json cannot be read",
        ),
        (lambda f: rename_key(f, "fingerprint"), "gmm cannot be read.*'fingerprint'"),
        (lambda f: rename_key(f, "inference"), "gmm cannot be read.*damaged"),
        (
            damage_stream,
            "model.npz cannot be read: Error -3 while decompressing",
        ),
    ],
)
def test_damaged_folders_are_refused(two_rounds, tmp_path, damage, message):
    shutil.copytree(two_rounds[1], tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(ValueError, match=message):
        srk.load(tmp_path / "run")


def test_a_folder_without_a_loop_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no module was saved there"):
        srk.load(tmp_path)


def test_a_loop_loaded_without_data_is_refused(two_rounds):
    with pytest.raises(RuntimeError, match="obs has no data"):
        srk.load(two_rounds[1]).run(1, **QUIET)
