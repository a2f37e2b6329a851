"""`python -m models.train --stream`: a run on data that stay on disk."""

import numpy as np

import models
from models.runs.saved_run import SavedRun


def test_a_run_from_disk_leaves_what_every_run_leaves(
    run, read, data, small, table_files, tmp_path
):
    out = tmp_path / "out"
    options = ("--stream", "--rounds", 2, *small, "--out", out)
    done = run("--data", data / "unlabelled.npy", *options)
    assert done.code == 0, done.err
    assert "60 rows of 6" in done.out and "read as they are needed" in done.out
    expected = table_files | {"rounds.npz"}
    assert expected <= read.names(out) <= expected | {"rounds.png", "gmm.npz"}
    latents = read.arrays(out)
    x = np.load(data / "unlabelled.npy")
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")  # as the model's
    z_mean, z_log_var = models.load(out / "model.keras").encode(x)
    np.testing.assert_allclose(latents["z_mean"], z_mean, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(latents["z_log_var"], z_log_var, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(latents["responsibilities"].sum(axis=1), 1, rtol=1e-5)
    opened = SavedRun(out)
    assert opened.n_rounds == 2 and opened.dataset.is_on_disk
    np.testing.assert_array_equal(opened.round(2).classes, latents["classes"])


def test_what_is_no_npy_is_refused(check):
    check(
        "--data digits --stream", "--stream is for an .npy file or a folder of images"
    )
