"""Images and speech of digits: two VAEs, two mixtures and a topic model above both.

    python benchmarks/six_modules.py PATH/serket_digits.npz [--draw graph.png]

    image  ->  VAE  ->  GMM  \\
                               MLDA
    speech ->  VAE  ->  GMM  /

Labels serve only the evaluation. Each half is first trained alone, with as many rounds
and epochs: the accuracy of its mixture is what the whole is compared with.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import serket_bridge as srk  # noqa: E402
from models import bernoulli, networks, serket, vanilla  # noqa: E402
from serket_bridge import vae as messages  # noqa: E402
from serket_bridge.inference.neighbor_graph import NeighborGraph  # noqa: E402
from serket_bridge.scores import matching_accuracy  # noqa: E402

K, LATENT_DIM, WIDTHS = 10, 10, (128,)
HALVES = ("image", "speech")
ROWS = (*HALVES, "image in the whole", "speech in the whole", "whole", "seconds")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("path", type=Path, help="serket_digits.npz")
    add("--seeds", type=int, default=10, help="number of seeds (default: 10)")
    add("--rounds", type=int, default=5, help="(default: 5)")
    add("--epochs", type=int, default=20, help="of a round (default: 20)")
    add("--draw", help="a picture of the graph is written there")
    args = parser.parse_args()
    with np.load(args.path) as file:
        data, labels = preprocess(file), file["label"]
    results = [run(data, labels, args, seed) for seed in range(args.seeds)]
    print(f"{'':22}{'median':>8}{'quartiles':>18}{'range':>16}")
    for name in ROWS:
        values = np.array([row[name] for row in results])
        low, middle, high = np.percentile(values, [25, 50, 75])
        extent = f"{values.min():.3f}-{values.max():.3f}"
        print(f"{name:22}{middle:8.3f}{f'[{low:.3f}, {high:.3f}]':>18}{extent:>16}")


def preprocess(file):
    """Images in [0, 1], and square roots of relative frequencies, standardised.

    Euclidean distances of the square roots are Hellinger distances of histograms.
    """
    image = (file["image"].reshape(-1, 28, 28) / 255).astype("float32")
    counts = file["speech"].astype("float32")
    root = np.sqrt(counts / counts.sum(axis=1, keepdims=True))
    return {"image": image, "speech": (root - root.mean(axis=0)) / root.std()}


def run(data, labels, args, seed):
    """Accuracies of the halves alone, of the whole and its halves, and seconds."""
    started, row = time.perf_counter(), {}
    for name in HALVES:
        alone = srk.MessageLoop(half(name, data[name], args, seed))
        alone.run(args.rounds, verbose=False)
        row[name] = matching_accuracy(labels, alone.classes)
    modules = [
        module for name in HALVES for module in half(name, data[name], args, seed)
    ]
    top = srk.MLDA(K, [100, 100], name="digits", seed=seed)
    top.connect(*(module for module in modules if isinstance(module, srk.GMM)))
    whole = srk.MessageLoop([*modules, top])
    if args.draw and seed == 0:
        whole.draw().savefig(args.draw, dpi=120)
    whole.run(args.rounds, verbose=False)
    row["whole"] = matching_accuracy(labels, top.classes)
    for name in HALVES:
        classes = whole[f"{name} classes"].classes
        row[f"{name} in the whole"] = matching_accuracy(labels, classes)
    row["seconds"] = time.perf_counter() - started
    shown = "  ".join(f"{name} {row[name]:.3f}" for name in ROWS)
    print(f"seed {seed}: {shown}", flush=True)
    return row


def half(name, x, args, seed):
    """An observation, its VAE, and the mixture of its latents."""
    shape, settings = x.shape[1:], {"seed": seed}
    if name == "image":
        moved = networks.Augmented(networks.MLP())
        model = bernoulli.build(shape, LATENT_DIM, WIDTHS, network=moved, **settings)
    else:
        model = vanilla.build(shape, LATENT_DIM, WIDTHS, sigma=None, **settings)
    obs = srk.Observation(x, name)
    vae = srk.VAE(
        model=serket.with_prior_message(model),
        itr=args.epochs,
        batch_size=100,
        name=f"{name} vae",
        message=messages.moments,
        **settings,
    )
    gmm = srk.GMM(K, name=f"{name} classes", inference=NeighborGraph(), **settings)
    vae.connect(obs)
    gmm.connect(vae)
    return [obs, vae, gmm]


if __name__ == "__main__":
    main()
