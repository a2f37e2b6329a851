"""Two agents name images: with communication, without, and with all beliefs known.

    python benchmarks/naming_game.py --mnist PATH/mnist.npz [MODES]

    metropolis  the Metropolis-Hastings naming game: a listener accepts by its belief
    all         every name is accepted
    none        nobody speaks
    gibbs       names from the product of both beliefs, which no agent knows

The first 10000 images of MNIST; agent b sees them turned by 45 degrees. Each agent is a
VAE with augmented images and the mixture of the classes of its graph of neighbours. The
first round of both agents is the same in all modes; it and every result are kept in
--out, and what is there is not computed again.

Medians and quartiles over the seeds after the last round, of: kappa of the names that
each agent gives by its own view; the same after the best one-to-one matching of names;
adjusted Rand indices of these names against the labels, which serve nothing else.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import rotate
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import serket_bridge as srk  # noqa: E402
from benchmarks.names import add_names  # noqa: E402
from models import bernoulli, data, networks, serket  # noqa: E402
from models.atomic_files import write_atomically  # noqa: E402
from models.runs.run_folder import save_json  # noqa: E402
from serket_bridge.inference.naming import ACCEPTANCES  # noqa: E402
from serket_bridge.inference.neighbor_graph import NeighborGraph  # noqa: E402
from serket_bridge.naming_game import kappa  # noqa: E402

COLUMNS = ("kappa", "matched kappa", "ARI a", "ARI b", "accepted")


def main():
    args = parse()
    views, labels = images(args.mnist, args.rows)
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    print(f"{len(labels)} images, seeds {seeds[0]} to {seeds[-1]}: median [quartiles]")
    print(f"{'':11}" + "".join(f"{name:>22}" for name in COLUMNS))
    results = {name: [] for name in args.names or ACCEPTANCES}
    for seed in seeds:  # all modes of a seed, so that what is done so far compares
        for name, found in results.items():
            found.append(result(name, seed, views, labels, args))
    for name, found in results.items():
        print_row(name, found)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_names(parser, ACCEPTANCES)
    add = parser.add_argument
    add("--mnist", required=True, help="a downloaded mnist.npz")
    add("--rows", type=int, default=10_000, help="number of images (default: 10000)")
    add("--seeds", type=int, default=10, help="number of seeds (default: 10)")
    add("--first-seed", type=int, default=0, metavar="N", help="(default: 0)")
    add("--epochs", type=int, default=30, help="epochs of round 1 (default: 30)")
    add("--later-epochs", type=int, default=4, help="of each later round (default: 4)")
    add("--rounds", type=int, default=10, help="number of rounds (default: 10)")
    add("--out", default="runs/naming_game", help="folder that keeps the results")
    return parser.parse_args()


def images(path, rows):
    """The views of both agents, (n, 28, 28) each, and the labels."""
    dataset = data.load(f"mnist:{path}")
    x = np.asarray(dataset.x[:rows])
    turned = rotate(x, 45, axes=(1, 2), reshape=False, order=1).clip(0, 1)
    return {"a": x, "b": turned.astype(x.dtype)}, dataset.labels[:rows]


def result(name, seed, views, labels, args):
    """The rows of the loop by round, for one mode and one seed."""
    path = Path(args.out) / f"{settings(seed, labels, args)}-{name}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = run(name, seed, views, labels, args)
        write_atomically(path, lambda part: save_json(part, rows))
        print(f"seed {seed}, {name}: {rows[-1]}", file=sys.stderr, flush=True)
    return json.loads(path.read_text())


def settings(seed, labels, args):
    epochs = f"{args.epochs}-{args.later_epochs}-{args.rounds}"
    return f"{len(labels)}-{epochs}-{seed}"


def run(name, seed, views, labels, args):
    """Trains both agents; the first round is loaded if another mode has run it."""
    agents = [make_agent(letter, x, seed, args) for letter, x in views.items()]
    game = srk.NamingGame(acceptance=name, category=labels, seed=seed)
    game.connect(*(mixture for *_, mixture in agents))
    game.step()  # the first round's
    loop, rows = srk.MessageLoop([*agents[0], *agents[1], game]), []
    for _ in range(args.rounds - 1):
        loop.run(1, labels, verbose=False)
        rows.append(scores(loop))
    return rows


def make_agent(letter, x, seed, args):
    """Data, VAE and mixture after the first round."""
    own_seed = 2 * seed + (letter == "b")
    network = networks.Augmented(networks.MLP())
    model = bernoulli.build(x.shape[1:], 10, (256, 256), network=network, seed=own_seed)
    obs = srk.Observation(x, f"obs_{letter}")
    vae = srk.VAE(
        model=serket.with_prior_message(model),
        itr=args.epochs,
        batch_size=128,
        message=srk.vae.moments,
        name=f"vae_{letter}",
        seed=own_seed,
    )
    gmm = srk.GMM(10, name=letter, inference=NeighborGraph(), seed=own_seed)
    vae.connect(obs)
    gmm.connect(vae)
    folder = Path(args.out) / f"{letter}-{len(x)}-{args.epochs}-{seed}"
    srk.MessageLoop([obs, vae, gmm]).run(1, verbose=False, folder=folder)
    vae.itr = args.later_epochs
    return obs, vae, gmm


def scores(loop):
    row, (a, b) = loop.rows[-1], loop["game"].names
    accepted = [v for k, v in row.items() if k.startswith("game.acceptance")]
    return {
        "kappa": row["game.kappa"],
        "matched kappa": kappa(a, matched(b, a)),
        "ARI a": row["game.ari a"],
        "ARI b": row["game.ari b"],
        "accepted": float(np.mean(accepted)) if accepted else None,
        "accuracy": row["accuracy"],
        "elbo": row["elbo"],
    }


def matched(names, others):
    """Names, (n,) int of 0 to 9, renumbered to agree with others as often as can be."""
    table = contingency_matrix(others, names)
    targets, sources = np.unique(others), np.unique(names)
    numbers = np.full(10, -1)
    where = linear_sum_assignment(table, maximize=True)
    numbers[sources[where[1]]] = targets[where[0]]
    return numbers[names]


def print_row(name, found):
    last = [rows[-1] for rows in found]
    cells = [cell([row[column] for row in last]) for column in COLUMNS]
    print(f"{name:11}" + "".join(f"{text:>22}" for text in cells))


def cell(values):
    """Median and quartiles; "-" for what this mode does not have."""
    if None in values:
        return "-"
    low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
    return f"{median:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
