"""Latents in .npy files that can be memory-mapped, written a part at a time."""

import numpy as np

from models.blocks.ondisk_array import Rows, slices

NAMES = ("z_mean", "z_log_var")


def write(folder, model, x, label=None):
    """z_mean.npy and z_log_var.npy of q(z|x), (n, latent_dim) float32 each.

    folder: a `RunFolder`; both files are whole or not there. x: an array, or `Rows`.
    """
    first, second = (f"{name}.npy" for name in NAMES)

    def both(one, other):
        shape = (len(x), model.latent_dim)
        with one.open("wb") as mean, other.open("wb") as log_var:
            for file in (mean, log_var):
                write_header(file, shape)
            for part in slices(x):
                of_part = label if label is None else label[part]
                q = model.encode(x[part], of_part)
                for file, values in zip((mean, log_var), q, strict=True):
                    values.astype(np.float32).tofile(file)

    folder.file(first, lambda one: folder.file(second, lambda other: both(one, other)))


def write_header(file, shape):
    """What an .npy of these rows, float32 in C order, begins with."""
    kind = np.lib.format.dtype_to_descr(np.dtype(np.float32))
    about = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)


def default_format(x):
    return "npy" if isinstance(x, Rows) else "npz"
