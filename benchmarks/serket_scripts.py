"""Serket's own scripts with their own settings: time, and final accuracy.

    python benchmarks/serket_scripts.py --data serket:PATH/mnist.npz
    python benchmarks/serket_scripts.py --data serket:PATH/mnist.npz --script tutorial

The VAE document's script makes 25000 steps on all 3000 images at once, the tutorial's
6000 steps on 500. Each runs in its own folder, which holds data.txt and category.txt.
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
sys.path.insert(0, str(ROOT))

from models import data  # noqa: E402

FOLDER = ROOT / "tests" / "bridge" / "scripts"
SCRIPTS = {"tutorial": "vae_gmm_tutorial.py", "document": "vae_document.py"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default="serket", help="(default: serket)")
    parser.add_argument("--script", choices=SCRIPTS, help="(default: both)")
    given = parser.parse_args()
    images = data.load(given.data)
    for name in [given.script] if given.script else SCRIPTS:
        with tempfile.TemporaryDirectory() as folder:
            seconds, accuracy = run(FOLDER / SCRIPTS[name], Path(folder), images)
        print(
            f"{SCRIPTS[name]:22}{seconds:8.1f} s   accuracy {accuracy:.3f}", flush=True
        )


def run(script, folder, images):
    """Seconds of the script, and the final accuracy in acc_learn.txt."""
    np.savetxt(folder / "data.txt", images.x.reshape(len(images.x), -1))
    np.savetxt(folder / "category.txt", images.labels)
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        stderr=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - started
    return seconds, float(np.loadtxt(folder / "module002_gmm" / "acc_learn.txt"))


if __name__ == "__main__":
    main()
