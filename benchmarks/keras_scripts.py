"""The settings of well-known Keras VAE scripts and of DIANNE's example, on MNIST.

    python benchmarks/keras_scripts.py --mnist PATH/mnist.npz [--out FOLDER] [NAMES ...]

Each row is one command of `models.train` on the 60000 training images. The figures are
means over the 10000 test images, in nats, with one sample of z per image. A row whose
run is in the folder already is not trained again. Without names, all rows are computed.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.names import add_names  # noqa: E402
from models import data  # noqa: E402
from models.runs.saved_run import SavedRun  # noqa: E402

MLP = "--latent-dim 2 --hidden-dims 512 --optimizer adam --epochs 50 --batch-size 128"
CONV = "--network conv --filters 32 64 --latent-dim 2 --optimizer rmsprop --epochs 30"
CONV += " --batch-size 128"
DIANNE = "--latent-dim 2 --hidden-dims 512 512 512 --optimizer adam --batch-size 128"
ROWS = {  # name -> the options of the command
    "vae_mlp": f"--variant bernoulli {MLP}",
    "vae_mlp_mse": f"--variant vanilla --sigma 1 {MLP}",
    "dianne": f"--variant bernoulli {DIANNE} --n-samples 1 --steps 5000",
    "vae_cnn": f"--variant bernoulli {CONV}",
    "cvae": f"--variant conditional --likelihood bernoulli {CONV}",
    "cvae_beta_4": f"--variant conditional --likelihood bernoulli {CONV} --kl-weight 4",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_names(parser, ROWS)
    parser.add_argument("--mnist", required=True, help="a downloaded mnist.npz")
    parser.add_argument(
        "--out", default="runs/keras_scripts", help="folder of the runs"
    )
    args = parser.parse_args()
    test = data.load(f"mnist:{args.mnist}", split="test")
    print(f"{'':14}{'ELBO':>10}{'log-lik.':>10}{'KL':>8}{'seconds':>9}")
    for name in args.names or ROWS:
        folder = Path(args.out) / name
        seconds = train(ROWS[name], args.mnist, folder)
        log_likelihood, kl = test_terms(folder, test.x, test.labels)
        row = f"{log_likelihood - kl:10.2f}{log_likelihood:10.2f}{kl:8.2f}"
        print(f"{name:14}{row}{seconds:9.0f}", flush=True)


def train(options, mnist, folder):
    """Runs the command unless its run exists already; returns seconds, or NaN."""
    if (folder / "metrics.json").exists():
        return float("nan")
    command = [sys.executable, "-m", "models.train", "--data", f"mnist:{mnist}"]
    command += [*options.split(), "--out", str(folder.resolve())]
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


def test_terms(folder, x, label):
    """Mean E_q[log p(x|z)] and mean KL of the test images, nats."""
    model = SavedRun(folder).model
    inputs = {"x": x, "label": label} if model.is_conditional else {"x": x}
    terms = model.evaluate(inputs, batch_size=1000, verbose=0, return_dict=True)
    return terms["log_likelihood"], terms["kl"]


if __name__ == "__main__":
    main()
