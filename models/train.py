"""python -m models.train: trains a variant, and leaves a folder of results.

Every variant gets the same treatment: a VAE, and a Gaussian mixture that sorts its
latents into classes. A variant that listens (`serket`) and the mixture then teach each
other for some rounds; the others have one.

This is the composition root: here, and for the model in `models.cli.build_model`, a
word on the command line becomes a function; and this is the only file of `models` that
knows `serket_bridge`.
"""

import os
import sys
import time
from functools import partial
from tempfile import TemporaryDirectory

from models import VARIANTS, explore
from models.cli import options
from models.cli.command import INTERRUPTED, finish, guarded
from models.suppress_output import discard_output, suppress_backend_output
from models.training import processes

PROG = "python -m models.train"


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(options.make_parser(VARIANTS), run, arguments)


def run(given):
    """Trains as the options say. ValueError or OSError: what a user can mend."""
    return run_distributed(given) if given.distribute else run_on(None, given)


def run_distributed(given):
    """The run on many devices; of several processes the first writes and prints."""
    several = processes.read_environment(os.environ)
    if several:
        print(processes.waiting_message(several), file=sys.stderr, flush=True)
    with suppress_backend_output():
        from models.training import distribute

        devices = distribute.initialize(several)
    if devices.is_first:
        return devices.exit(guarded(PROG, run_on, devices, given))
    with TemporaryDirectory() as scratch, discard_output(1):
        status = guarded(PROG, run_on, devices, given, scratch)
    return devices.exit(status)


def run_on(devices, given, scratch=None):
    """The run, on these devices or on one; with `scratch` it leaves nothing else."""
    started = time.perf_counter()
    from models.cli.prepare_run import begin, whole_or_gone

    defaults = options.make_parser(VARIANTS).parse_args([])
    begun = begin(given, vars(defaults), scratch)
    dataset, config, folder = begun.dataset, begun.config, begun.folder
    with whole_or_gone(folder):
        if devices:
            devices.check_config(config)
        with suppress_backend_output():
            from models.cli import report
            from models.runs import checkpoint

            loop = make_loop(config, dataset, begun.stopped, devices)
        is_kept = given.checkpoint or devices or begun.stopped
        if is_kept and not scratch and config["rounds"] == 1:
            vae, epochs = loop["vae"], config["epochs"]
            history = partial(report.history_columns, vae.history, epochs)
            vae.callbacks.append(checkpoint.Checkpoint(folder, history))
        if not begun.stopped:
            report.remove_old(folder)
        folder.write_json("config.json", config)
        print(report.heading(config, dataset, loop["vae"].model, devices), flush=True)
        rounds = []
        status = train(loop, config["rounds"], dataset.labels, rounds, not scratch)
    if devices and status == 0:
        devices.barrier()
    if scratch:
        return status
    vae = loop["vae"]
    report.write(folder, vae.model, dataset, config, vae.history, loop.rows, rounds)
    print(report.summary(folder, loop.rows, time.perf_counter() - started))
    if given.explore and status == 0:
        return explore.main([str(folder.path)])
    return status


def train(loop, rounds, labels, kept, verbose=True):
    """Runs the rounds; `kept` receives what each left behind. Returns the exit code."""
    from models.runs.rounds import Round

    vae, gmm = loop["vae"], loop["gmm"]

    def keep_round(loop):
        q = vae.posterior
        kept.append(
            Round(
                z_mean=q.mean,
                z_log_var=-np.log(q.precision),
                z=vae.forward.mean,
                classes=gmm.classes,
                responsibilities=gmm.responsibilities,
                **vars(gmm.mixture),
                model=vae.model.get_weights(),
            )
        )

    try:
        loop.run(rounds, labels, after_round=keep_round, verbose=verbose)
    except KeyboardInterrupt:
        print("\nInterrupted: keeping what was learned so far.", file=sys.stderr)
        return INTERRUPTED
    return 0


def make_loop(config, dataset, stopped=None, devices=None):
    """The data, the VAE and the mixture of this configuration, connected.

    stopped: a `ResumableTraining` to go on with. devices: those that train.
    """
    import numpy as np

    import serket_bridge as srk
    from models.cli import build_model
    from serket_bridge import gmm
    from serket_bridge.inference import em, gibbs

    inference = {
        "em": em.EM,
        "variational": em.Variational,
        "gibbs": gibbs.Gibbs,
    }
    message = {"hard": gmm.class_mean_message, "soft": gmm.collapsed_gaussian_message}
    seeds = np.random.SeedSequence(config["seed"]).generate_state(3)
    model_seed, vae_seed, gmm_seed = map(int, seeds)

    below = [srk.Observation(dataset.x)]
    if config["variant"] == "conditional":
        below.append(srk.Observation(dataset.labels[:, None], "labels"))
    vae = srk.VAE(
        model=stopped.model
        if stopped
        else build_model.model(config, dataset, model_seed),
        itr=config["epochs"],
        batch_size=config["batch_size"],
        steps_per_epoch=config["log_every"],
        fit=devices and devices.fit,
        seed=vae_seed,
    )
    if stopped:
        vae.history = stopped.history
        vae.itr -= vae.epochs_trained
        vae.fit = partial(stopped.fit, vae.fit or type(vae.model).fit)
    classes = srk.GMM(
        config["n_components"],
        inference=inference[config["gmm"]](),
        message=message[config["message"]],
        seed=gmm_seed,
    )
    vae.connect(*below)
    classes.connect(vae)
    return srk.MessageLoop([*below, vae, classes])


if __name__ == "__main__":
    sys.exit(main())
