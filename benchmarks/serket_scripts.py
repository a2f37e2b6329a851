"""Serket's example scripts with other import lines: time and accuracy over seeds.

    python benchmarks/serket_scripts.py --data PATH
    python benchmarks/serket_scripts.py --data PATH --script mmlda gmm_mm --seeds 10

PATH holds serket_digits.npz (image, speech, label), serket_hmm.npz (data, label),
serket_mmlda.npz (vision, audio, tactile, angle, object_category, motion_category) and
serket_words.npz (counts, category). Each script of tests/bridge/scripts runs in a
process and a folder of its own, which holds the files that it reads. The accuracy is
that of the last round, as the module named has written it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "bridge" / "scripts"
RUN = "import random, runpy, sys; random.seed(int(sys.argv[2]))"
RUN += "; runpy.run_path(sys.argv[1])"

IMAGES = "digits", {"data.txt": "image", "category.txt": "label"}
DIGITS = (
    IMAGES[0],
    {"data1.txt": "image", "data2.txt": "speech", "category.txt": "label"},
)
HMM = "hmm", {"data.txt": "data", "correct.txt": "label"}
OBJECTS = (
    "mmlda",
    {
        "dsift.txt": "vision",
        "mfcc.txt": "audio",
        "tactile.txt": "tactile",
        "angle.txt": "angle",
        "Object_Category.txt": "object_category",
        "Motion_Category.txt": "motion_category",
    },
)
WORDS = "words", {"word_hist.txt": "counts", "category.txt": "category"}
# script -> (data, modules whose accuracy is shown)
SCRIPTS = {
    "vae_gmm_tutorial": (IMAGES, ["gmm"]),
    "vae_document": (IMAGES, ["gmm"]),
    "vae_gmm_mm": (IMAGES, ["gmm"]),
    "vae_gmm_mlda": (DIGITS, ["gmm", "mlda"]),
    "vae_gmm_mlda_mm": (DIGITS, ["gmm", "mlda"]),
    "vae_gmm_nn": (DIGITS, ["gmm"]),
    "gmm_mm": (HMM, ["gmm"]),
    "mmlda": (OBJECTS, ["object", "motion"]),
    "mnvae_mlda": (WORDS, ["mlda"]),
    "tail_to_tail": (DIGITS, ["gmm", "mlda"]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--data", type=Path, required=True, help="the folder of the .npz files")
    add("--script", choices=SCRIPTS, nargs="+", help="(default: all)")
    add("--seeds", type=int, default=10, help="number of seeds (default: 10)")
    given = parser.parse_args()
    print(f"{'script':20}{'module':10}{'median':>8}{'quartiles':>18}{'seconds':>10}")
    for name in given.script or SCRIPTS:
        rows = [run(name, given.data, seed) for seed in range(given.seeds)]
        seconds = np.median([row["seconds"] for row in rows])
        for module in SCRIPTS[name][1]:
            low, middle, high = np.percentile([r[module] for r in rows], [25, 50, 75])
            quartiles = f"[{low:.3f}, {high:.3f}]"
            line = f"{name:20}{module:10}{middle:8.3f}{quartiles:>18}{seconds:10.1f}"
            print(line, flush=True)


def run(name, folder, seed):
    """The seconds of a script, and the last accuracy of its modules."""
    (data, files), modules = SCRIPTS[name]
    with (
        np.load(folder / f"serket_{data}.npz") as arrays,
        tempfile.TemporaryDirectory() as work,
    ):
        for file, key in files.items():
            scale = 255 if key == "image" else 1
            np.savetxt(Path(work) / file, arrays[key] / scale, fmt="%.9g")
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", RUN, FOLDER / f"{name}.py", str(seed)],
            cwd=work,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            check=True,
            stderr=subprocess.DEVNULL,
        )
        row = {"seconds": time.perf_counter() - started}
        for module in modules:
            (path,) = Path(work).glob(f"module*_{module}/acc_learn.txt")
            row[module] = float(np.loadtxt(path))
        return row


if __name__ == "__main__":
    main()
