"""Published figures, and the same experiments run here.

    python benchmarks/reproduce.py --mnist PATH/mnist.npz [--divide 3] [NAMES ...]

The one-layer VAE and IWAE of Burda, Grosse and Salakhutdinov (2016) on binarised MNIST:
200-200-50 tanh, Adam with learning rate 1e-3 10^(-i/7) for 3^i epochs, i = 0 .. 7,
batches of 20, binarised again at every step. The figure is the negative log-likelihood
of the 10000 test images, estimated with 5000 importance samples, in nats. Their
schedule has 3280 epochs, 9.8 million updates. With --divide 3 each learning rate is
used for a third of its epochs, at least one: 3.3 million updates.

A row that was interrupted is resumed, and ends with the same figures.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import models  # noqa: E402
from benchmarks.names import add_names  # noqa: E402
from models import data  # noqa: E402
from models.evaluation.log_likelihood import estimate_log_px  # noqa: E402
from models.runs.run_folder import save_json, write_atomically  # noqa: E402

BATCH, STAGES, PASSES_AT_ONCE = 20, 8, 9
ROWS = {  # name -> (variant, k, published; Burda et al. 2016, table 1)
    "vae": ("bernoulli", 1, 86.76),
    "vae_5": ("bernoulli", 5, 86.47),
    "iwae_5": ("iwae", 5, 85.54),
    "iwae_50": ("iwae", 50, 84.78),
}


def main():
    args = parse()
    train = data.load(f"mnist:{args.mnist}").x
    test = data.load(f"mnist:{args.mnist}", split="test").binarized(0).x
    if args.test_rows:
        rows = np.random.default_rng(0).choice(len(test), args.test_rows, replace=False)
        test = test[rows]
    print(f"{'':10}{'published':>10}{'here':>9}{'+-':>6}{'sd':>6}{'seeds':>6}", end="")
    print(f"{'updates':>10}{'seconds':>9}", flush=True)
    for name in args.names or ROWS:
        results = [result(name, seed, train, test, args) for seed in range(args.seeds)]
        values = np.array([each["nll"] for each in results])
        spread = f"{values.std(ddof=1):.2f}" if len(values) > 1 else ""
        error = np.mean([each["error_of_data"] for each in results])
        row = (
            f"{name:10}{ROWS[name][2]:10.2f}{values.mean():9.2f}{error:6.2f}{spread:>6}"
        )
        row += f"{len(values):6}{results[0]['updates']:10}"
        print(row + f"{np.median([e['seconds'] for e in results]):9.0f}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_names(parser, ROWS)
    add = parser.add_argument
    add("--mnist", required=True, help="a downloaded mnist.npz")
    add("--divide", type=int, default=1, help="divides the epochs (default: 1)")
    add("--seeds", type=int, default=1, help="trainings per row (default: 1)")
    add("--n-samples", type=int, default=5000, help="of log p(x) (default: 5000)")
    add("--test-rows", type=int, help="number of test images (default: all)")
    add("--out", default="runs/reproduce", help="folder of the models")
    return parser.parse_args()


def result(name, seed, train, test, args):
    """The scores of one training, kept as JSON so that it runs only once."""
    folder = Path(args.out) / f"{name}-{args.divide}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / f"nll-{args.n_samples}-{len(test)}.json"
    if not done.exists():
        model, seconds = trained(name, seed, train, folder, args.divide)
        with tqdm(total=len(test), desc="log p(x)", leave=False) as bar:
            terms = estimate_log_px(
                model, test, n_samples=args.n_samples, progress=bar.update
            )
        scores = {
            "nll": -float(terms.log_px.mean()),
            "error_of_data": float(terms.log_px.std() / np.sqrt(len(test))),
            "error_of_draws": terms.mean_mc_se,
            "elbo": float(terms.elbo.mean()),
            "updates": model.steps_trained(),
            "seconds": seconds,
        }
        write_atomically(done, lambda path: save_json(path, scores))
    return json.loads(done.read_text())


def trained(name, seed, x, folder, divide):
    """Trains the whole schedule; returns the model and the seconds of training."""
    path, clock = folder / "model.keras", folder / "seconds.json"
    model = models.load(path) if path.exists() else new(name, seed, x)
    seconds = json.loads(clock.read_text()) if clock.exists() else 0.0
    a_pass = len(x) // BATCH
    ends = np.cumsum([max(1, 3**i // divide) for i in range(STAGES)])
    passes = model.steps_trained() // a_pass
    with tqdm(total=int(ends[-1]), initial=passes, desc=name, unit="pass") as bar:
        while passes < ends[-1]:
            stage = int(np.searchsorted(ends, passes, side="right"))
            until = min(passes + PASSES_AT_ONCE, int(ends[stage]))
            model.optimizer.learning_rate = 1e-3 * 10 ** (-stage / 7)
            started = time.perf_counter()
            model.fit(
                x, batch_size=BATCH, initial_epoch=passes, epochs=until, verbose=0
            )
            seconds += time.perf_counter() - started
            write_atomically(path, model.save)
            write_atomically(clock, lambda part, s=seconds: save_json(part, s))
            bar.update(until - passes)
            passes = until
    return model, seconds


def new(name, seed, x):
    """Burda's network; its last bias starts at the logit of the mean image."""
    variant, k, _ = ROWS[name]
    model = models.VARIANTS[variant](
        x.shape[1:],
        50,
        (200, 200),
        activation="tanh",
        binarize=True,
        n_samples=k,
        seed=seed,
    )
    mean = np.clip(x.mean(axis=0), 1e-3, 1 - 1e-3).ravel()
    bias = model.get_layer("decoder").get_layer("decoder_output").bias
    bias.assign(np.log(mean) - np.log1p(-mean))
    model.compile(keras.optimizers.Adam(1e-3, beta_1=0.99, epsilon=1e-4))
    return model


if __name__ == "__main__":
    main()
