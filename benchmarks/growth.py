"""How time and memory of a round of messages grow with rows, dimensions and classes.

    python benchmarks/growth.py [--graph vae] [--axes rows latent classes]

A round of each graph, with the backward messages and the bound of the whole model:

    vae       an epoch of a VAE (64-128-latent, batches of 500), encoding and decoding,
              and ten iterations of EM of a mixture from one start
    markov    a mixture as above over points in `latent` dimensions, and ten iterations
              of Baum-Welch of a Markov chain, in sequences of 100 rows
    mlda      ten sweeps of MLDA by Gibbs sampling; two modalities of `latent` words
              each, 50 tokens in each object and modality
    mlda-vb   the same by ten iterations of variational Bayes
    mnvae     an epoch of a multinomial VAE (64-128-latent) of 50 words in each object,
              below an MLDA by ten iterations of variational Bayes
    nn        the VAE, and above it an epoch of a network (latent-128-classes, batches
              of 500) that predicts labels
    tt        two mixtures as above, of two views in `latent` dimensions, tail-to-tail

Each size runs in its own process: one round to compile, then `--rounds` timed ones.
Memory is the peak of the process minus its size before the data are made. The exponent
b of size^b is fitted to the upper half of the sizes of an axis, by least squares of the
logarithms.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

AXES = {
    "rows": [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
    "latent": [2, 8, 32, 64, 128, 256, 512],
    "classes": [2, 8, 32, 64, 128, 256, 500],
}
START = {"rows": 20_000, "latent": 16, "classes": 10}
PARTS = {
    "vae": ("vae", "gmm", "round"),
    "markov": ("gmm", "mm", "round"),
    "mlda": ("mlda", "round"),
    "mlda-vb": ("mlda", "round"),
    "mnvae": ("mnvae", "mlda", "round"),
    "nn": ("vae", "nn", "round"),
    "tt": ("gmm", "tt", "round"),
}
MB = 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--graph", choices=PARTS, default="vae", help="(default: vae)")
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument(
        "--rounds", type=int, default=3, help="timed rounds (default: 3)"
    )
    parser.add_argument("--most", type=int, help="largest size (default: all)")
    parser.add_argument(
        "--out", default="growth.png", help="plot (default: growth.png)"
    )
    parser.add_argument("--size", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.size:
        print(json.dumps(measure(given.graph, given.size, given.rounds)))
        return
    tables = {axis: table(axis, given) for axis in given.axes}
    plot(tables, PARTS[given.graph], given.out)
    print(f"the plot: {given.out}")


def table(axis, given):
    """size -> name -> value, printed as soon as it is known."""
    parts = PARTS[given.graph]
    others = ", ".join(
        f"{value} {name}" for name, value in START.items() if name != axis
    )
    print(f"\n{given.graph}: {axis}, with {others}: medians of {given.rounds} rounds")
    header = "".join(f"{name + ' s':>10}" for name in parts)
    print(f"{axis:>10}{header}{'MB':>8}")
    found = {}
    for size in AXES[axis]:
        if given.most is None or size <= given.most:
            found[size] = in_a_process(given, START | {axis: size})
            row = "".join(f"{found[size][name]:10.3f}" for name in parts)
            print(f"{size:10}{row}{found[size]['memory']:8.0f}", flush=True)
    row = "".join(f"{exponent(found, name):10.2f}" for name in parts)
    print(f"{'exponent':>10}{row}{exponent(found, 'memory'):8.2f}", flush=True)
    return found


def exponent(found, name):
    """b of value = a size^b, fitted to the upper half of the sizes."""
    sizes = list(found)[len(found) // 2 :]
    if len(sizes) < 2:
        return np.nan
    values = [found[size][name] for size in sizes]
    return np.polyfit(np.log(sizes), np.log(values), 1)[0]


def in_a_process(given, size):
    command = [sys.executable, __file__, "--size", json.dumps(size)]
    done = subprocess.run(
        [*command, "--graph", given.graph, "--rounds", str(given.rounds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(graph, size, rounds):
    """Seconds of a round and of its parts, and MB, for one size, in this process."""
    import serket_bridge as srk

    graphs = {"vae": vae_and_mixture, "markov": mixture_and_chain, "mlda": topics}
    graphs["mlda-vb"] = partial(topics, variational=True)
    graphs |= {"mnvae": vae_of_counts, "nn": vae_and_network, "tt": two_mixtures}
    before = peak()
    loop = srk.MessageLoop(graphs[graph](**size))
    for _ in range(1 + rounds):
        loop.run(1, verbose=False)
    found = {"memory": (peak() - before) / MB}
    for name in PARTS[graph]:
        key = "seconds" if name == "round" else f"{name}.seconds"
        found[name] = float(np.median([row[key] for row in loop.rows[1:]]))
    return found


def mixture(classes):
    import serket_bridge as srk
    from serket_bridge.inference.em import EM

    ten = EM(n_init=1, max_iter=10, tol=0.0)
    return srk.GMM(classes, inference=ten, seed=0)


def vae_and_mixture(rows, latent, classes):
    import serket_bridge as srk
    from models import serket

    obs, gmm = srk.Observation(groups(rows, classes)), mixture(classes)
    model = serket.build((64,), latent, (128,), seed=0)
    vae = srk.VAE(model=model, itr=1, batch_size=500, seed=0)
    vae.connect(obs)
    gmm.connect(vae)
    return [obs, vae, gmm]


def vae_and_network(rows, latent, classes):
    import serket_bridge as srk

    obs, vae, _ = vae_and_mixture(rows, latent, classes)
    labels = np.random.default_rng(0).integers(classes, size=(rows, 1))
    target, settings = srk.Observation(labels, "labels"), {"n_outputs": classes}
    settings |= {"batch_size1": 500, "hidden_dims": (128,), "seed": 0}
    network = srk.NN(1, output=srk.Categorical, **settings)
    network.connect(vae, target)
    return [obs, target, vae, network]


def two_mixtures(rows, latent, classes):
    import serket_bridge as srk

    modules, shared = [], srk.TailToTail()
    for name in ("gmm", "other"):
        gmm = mixture(classes)
        gmm.name = name
        obs = srk.Observation(groups(rows, classes, latent), f"data of {name}")
        gmm.connect(obs)
        modules += [obs, gmm]
    shared.connect(*modules[1::2])
    return [*modules, shared]


def vae_of_counts(rows, latent, classes):
    import serket_bridge as srk

    obs, _, mlda = topics(rows, 64, classes, variational=True)
    settings = {"hidden_encoder_dim": 128, "hidden_decoder_dim": 128, "seed": 0}
    vae = srk.MNVAE(latent, epoch=1, batch_size=500, **settings)
    vae.connect(obs)
    mlda.connect(vae, mlda.parents[1])
    mlda.weights = [50, 50]
    return [obs, mlda.parents[1], vae, mlda]


def mixture_and_chain(rows, latent, classes):
    import serket_bridge as srk

    x, gmm = groups(rows, classes, latent), mixture(classes)
    obs, chain = srk.Observation(x), srk.Markov(lengths=[100] * (rows // 100), itr=10)
    gmm.connect(obs)
    chain.connect(gmm)
    return [obs, gmm, chain]


def topics(rows, latent, classes, variational=False):
    import serket_bridge as srk
    from serket_bridge.inference.lda_gibbs import CollapsedGibbs
    from serket_bridge.inference.lda_variational import VariationalLDA

    inference = VariationalLDA if variational else CollapsedGibbs
    mlda = srk.MLDA(classes, itr=10, n_init=1, inference=inference, seed=0)
    rng = np.random.default_rng(0)
    words = rng.dirichlet(np.full(latent, 0.1), (2, classes))
    labels = rng.integers(classes, size=rows)
    counts = [rng.multinomial(50, p[labels]).astype(np.float32) for p in words]
    modalities = [srk.Observation(c, f"words {i}") for i, c in enumerate(counts)]
    mlda.connect(*modalities)
    return [*modalities, mlda]


def groups(rows, classes, dim=64):
    """Points around centres of [0, 1]^dim, float32."""
    rng = np.random.default_rng(0)
    centres = rng.random((classes, dim), np.float32)
    x = rng.standard_normal((rows, dim), np.float32) * np.float32(0.1)
    return np.clip(x + centres[rng.integers(classes, size=rows)], 0, 1)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def plot(tables, parts, path):
    """Time above, memory below, one column per axis, logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(tables), 6.5), layout="constrained")
    panels = figure.subplots(2, len(tables), squeeze=False, sharex="col")
    for (above, below), (axis, found) in zip(panels.T, tables.items(), strict=True):
        for ax, names in ((above, parts), (below, ("memory",))):
            for name in names:
                label = f"{name}, ~{axis}^{exponent(found, name):.2f}"
                values = [each[name] for each in found.values()]
                ax.loglog(list(found), values, marker="o", label=label)
            ax.grid(alpha=0.3)
            ax.legend()
        above.set_ylabel("seconds of a round")
        below.set_ylabel("MB beside the libraries")
        below.set_xlabel(axis)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
