"""Serket's HMM example: accuracy of the mixture alone and with the Markov chain.

    python benchmarks/markov.py PATH/serket_hmm.npz

100 points in the plane, whose four classes follow one another in a circle. Medians and
quartiles over the seeds, of the mixture alone and of five rounds of mixture and chain.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import serket_bridge as srk  # noqa: E402
from serket_bridge import markov  # noqa: E402
from serket_bridge.inference.em import EM  # noqa: E402
from serket_bridge.inference.gibbs import Gibbs  # noqa: E402

CHAINS = {
    "none": None,
    "exact": {"message": markov.smoothing_message},
    "Serket's": {"message": markov.transition_message, "itr": 0},
}
INFERENCES = {
    "EM": EM(),
    "EM, one start": EM(n_init=1, restart=False),
    "Gibbs": Gibbs(sweeps=30),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", help="an .npz with data, (n, 2), and label, (n,)")
    parser.add_argument("--seeds", type=int, default=10, help="seeds (default: 10)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    given = parser.parse_args()
    with np.load(given.data) as arrays:
        x, labels = arrays["data"], arrays["label"]
    print(
        f"{'mixture by':16}{'chain':12}{'quartile':>10}{'median':>10}{'quartile':>10}"
    )
    for inference, chain in ((i, c) for i in INFERENCES for c in CHAINS):
        scores = [
            accuracy(x, labels, INFERENCES[inference], CHAINS[chain], given.rounds, s)
            for s in range(given.seeds)
        ]
        quartiles = np.quantile(scores, (0.25, 0.5, 0.75))
        columns = "".join(f"{value:10.2f}" for value in quartiles)
        print(f"{inference:16}{chain:12}{columns}", flush=True)


def accuracy(x, labels, inference, chain, rounds, seed):
    """The accuracy after the last round."""
    obs, gmm = srk.Observation(x), srk.GMM(4, inference=inference, seed=seed)
    gmm.connect(obs)
    modules = [obs, gmm]
    if chain is not None:
        modules.append(markov.Markov(seed=seed, **chain))
        modules[-1].connect(gmm)
    loop = srk.MessageLoop(modules)
    loop.run(rounds, labels, verbose=False)
    return loop.rows[-1]["accuracy"]


if __name__ == "__main__":
    main()
