"""python -m models.train: trains a variant and writes a folder of results.

A variant that takes a message is trained jointly with a Gaussian mixture of its
latents, in rounds. The others are trained in one round, and with --n-components a
mixture is fitted to their latents afterwards.

This is the composition root: the only file of `models` that knows `serket_bridge`. What
it passes on are arrays and dicts.
"""

import os
import sys
import time
from functools import partial
from tempfile import TemporaryDirectory

from models import explore
from models.cli import options
from models.cli.command import INTERRUPTED, guarded
from models.suppress_output import redirect_output, suppress_backend_output
from models.training import processes


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return guarded(options.PROG, lambda: run(options.parse(arguments)))


def run(given: dict) -> int:
    """Trains with these options; ValueError and OSError are messages for the user."""
    return run_distributed(given) if "distribute" in given else run_on(None, given)


def run_distributed(given: dict) -> int:
    """Trains on many devices; of several processes the first writes and prints."""
    several = processes.read_environment(os.environ)
    if several:
        print(processes.waiting_message(several), file=sys.stderr, flush=True)
    with suppress_backend_output():
        from models.training import distribute

        devices = distribute.initialize(several)
    if devices.is_first:
        return devices.exit(guarded(options.PROG, run_on, devices, given))
    with TemporaryDirectory() as scratch, redirect_output(1):
        status = guarded(options.PROG, run_on, devices, given, scratch)
    return devices.exit(status)


def run_on(devices, given: dict, scratch: str | None = None) -> int:
    """Trains on these devices, or on one; with `scratch` no other folder is written."""
    started = time.perf_counter()
    from models.cli.prepare_run import prepare

    with prepare(given, scratch) as (dataset, config, folder, model, resumed):
        if devices:
            devices.check_config(config)
        with suppress_backend_output():
            from models.cli import report, table_scores
            from models.runs import checkpoint
            from models.runs.saved_run import SavedRun

            loop = make_loop(config, dataset, model, resumed, devices)
        vae, rounds = loop["vae"], []
        is_kept = "checkpoint" in given or devices or resumed
        if is_kept and not scratch and not vae.takes_message:
            history = partial(report.history_columns, vae.history, config["epochs"])
            vae.callbacks.append(checkpoint.Checkpoint(folder, history))
        if not resumed:
            report.remove_former(folder)
        folder.write_json("config.json", config)
        print(report.heading(config, dataset, vae.model, devices), flush=True)
        if config.get("starts", 1) > 1:
            loop, rounds, status = best_start(config, dataset, loop, folder)
            vae = loop["vae"]
        else:
            status = train(loop, config["rounds"], dataset.labels, rounds, not scratch)
    if devices and status == 0:
        devices.barrier()
    if scratch:
        return status
    report.write(folder, vae.model, dataset, config, vae.history, loop.rows, rounds)
    seconds = time.perf_counter() - started
    print(report.summary(folder, dataset, vae.history, loop.rows, rounds, seconds))
    if config["test_fraction"] and status == 0:
        print(*table_scores.compare_held_out(SavedRun(folder.path)), sep="\n")
    if "explore" in given and status == 0:
        return explore.main([str(folder.path)])
    return status


def train(loop, n_rounds: int, labels, rounds: list, verbose: bool = True) -> int:
    """Runs the rounds and appends a `Round` of each; returns the exit code."""
    try:
        append = partial(append_round, rounds)
        loop.run(n_rounds, labels, after_round=append, verbose=verbose)
    except KeyboardInterrupt:
        print("\nInterrupted: the results so far are kept.", file=sys.stderr)
        return INTERRUPTED
    return 0


def best_start(config: dict, dataset, loop, folder) -> tuple:
    """Trains from several seeds, and keeps the start whose classes the others confirm.

    The first start is `loop`, of the seed of the configuration; the others have the
    seeds after it. Returns the loop that is kept, its rounds and the exit code; of an
    interrupted run the starts that had ended count, or else the first as it is.
    """
    from models.cli import starts
    from models.cli.build_model import build_variant, compile_model

    trained, n = {}, config["starts"]
    for seed in range(config["seed"], config["seed"] + n):
        print(f"start {len(trained) + 1} of {n}, seed {seed}", flush=True)
        if trained:
            own = config | {"seed": seed}
            model = compile_model(build_variant(own, dataset), own)
            loop = make_loop(own, dataset, model)
        rounds = []
        status = train(loop, config["rounds"], dataset.labels, rounds)
        if status == 0 or not trained:
            trained[seed] = loop, rounds
        if status:
            break
    if len(trained) == 1:
        return *trained[config["seed"]], status
    loops = [loop for loop, _ in trained.values()]
    scores = [loop.rows[-1] for loop in loops]
    rows = starts.compare([*trained], [loop.classes for loop in loops], scores)
    folder.write_csv("starts.csv", {key: [row[key] for row in rows] for key in rows[0]})
    print(starts.describe(rows))
    config["best_seed"] = rows[starts.best(rows)]["seed"]
    folder.write_json("config.json", config)
    return *trained[config["best_seed"]], status


def append_round(rounds: list, loop) -> None:
    """Appends the latents, the mixture and the weights of the loop now, as arrays."""
    import numpy as np

    from models.runs.rounds import Round

    vae, last, arrays = loop["vae"], loop.modules[-1], {}
    if vae.model.posterior.is_gaussian:
        q = vae.posterior
        arrays |= {"z_mean": q.mean, "z_log_var": -np.log(q.precision)}
    if last is not vae:
        arrays |= {"classes": last.classes, "responsibilities": last.responsibilities}
        arrays |= vars(last.mixture)
    weights = vae.model.get_weights()
    rounds.append(Round(z=vae.forward.mean, model=weights, **arrays))


def make_loop(config: dict, dataset, model, resumed=None, devices=None):
    """The data, the VAE and, if there is one, the mixture of a run, connected.

    Returns a `serket_bridge.MessageLoop` for the configuration, the data and the
    compiled model, which continues `resumed`, a `ResumableTraining`, on `devices`.
    """
    import serket_bridge as srk
    from models.cli.build_model import seeds
    from serket_bridge import vae as messages

    _, vae_seed, gmm_seed = seeds(config)
    # for EM in the loop on images a draw of q(z|x) does better than its moments
    is_drawn = dataset.is_image and model.takes_message
    is_drawn &= config["gmm_inference"] != "graph-classes"
    parents = [srk.Observation(dataset.x)]
    if model.is_conditional:
        parents.append(srk.Observation(dataset.labels[:, None], "labels"))
    vae = srk.VAE(
        model=model,
        itr=config["epochs"],
        batch_size=config["batch_size"],
        steps_per_epoch=config["steps_per_epoch"],
        fit=devices and devices.fit,
        message=messages.sample if is_drawn else messages.moments,
        seed=vae_seed,
    )
    if resumed:
        vae.history = resumed.history
        vae.itr -= vae.epochs_trained
        vae.fit = partial(resumed.fit, vae.fit or type(model).fit)
    vae.connect(*parents)
    modules = [*parents, vae]
    if config["n_components"]:
        modules.append(make_mixture(config, gmm_seed))
        modules[-1].connect(vae)
    return srk.MessageLoop(modules)


def make_mixture(config: dict, seed: int):
    """The mixture of the configuration, a `serket_bridge.GMM`."""
    from serket_bridge import gmm
    from serket_bridge.inference import em, gibbs, graph_em, neighbor_graph

    kinds = {"em": em.EM, "graph": graph_em.GraphEM}
    kinds |= {"graph-classes": neighbor_graph.NeighborGraph}
    kinds |= {"variational": em.Variational, "gibbs": gibbs.Gibbs}
    messages = {"collapsed": gmm.collapsed_gaussian_message}
    return gmm.GMM(
        config["n_components"],
        inference=kinds[config["gmm_inference"]](),
        message=messages.get(config["gmm_message"], gmm.class_mean_message),
        seed=seed,
    )


if __name__ == "__main__":
    sys.exit(main())
