"""python -m models.train: trains a variant, and leaves a folder of results.

Every variant gets the same treatment: a VAE, and a Gaussian mixture that sorts its
latents into classes. A variant that listens (`serket`) and the mixture then teach each
other for some rounds; the others have one.

This is the composition root: here, and for the model in `models.experiment.make`, a
word on the command line becomes a function; and this is the only file of `models` that
knows `serket_bridge`.
"""

import sys
import time

from models import VARIANTS, explore
from models.experiment import options
from models.experiment.command import INTERRUPTED, finish
from models.experiment.quiet import quiet_backend


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(options.make_parser(VARIANTS), run, arguments)


def run(given):
    """Trains as the options say. ValueError or OSError: what a user can mend."""
    started = time.perf_counter()
    from models.experiment import data
    from models.experiment.resolve import resolve
    from models.experiment.runs import RunFolder

    dataset = data.load(given.data, given.labels, given.image_size)
    dataset, _ = dataset.part(given.range).hold_out(given.hold_out, given.seed)
    config = resolve(given, dataset)
    data.check_enough_rows(dataset, config["batch_size"], config["n_components"])
    if config["likelihood"] == "bernoulli":
        data.check_unit_interval(dataset)
    folder = RunFolder(*place(given, dataset), given.overwrite)
    try:
        with quiet_backend():
            from models.experiment import report

            loop = make_loop(config, dataset)
        folder.json("config.json", config)
        print(report.heading(config, dataset), flush=True)
        rounds = []
        status = train(loop, config["rounds"], dataset.labels, rounds)
    except BaseException:
        folder.discard()
        raise
    report.write(folder, loop, dataset, config, rounds)
    print(report.summary(folder, loop, time.perf_counter() - started))
    if given.explore and status == 0:
        return explore.main([str(folder.path)])
    return status


def place(given, dataset):
    """The folder that was asked for, or `None`, and the stem of a numbered one."""
    if given.tag and given.out:
        raise ValueError(
            f"--tag {given.tag} means the folder runs/{given.tag}: leave --out out"
        )
    folder = f"runs/{given.tag}" if given.tag else given.out
    return folder, f"runs/{given.variant}-{dataset.name}"


def train(loop, rounds, labels, kept):
    """Runs the rounds; `kept` receives what each left behind. Returns the exit code."""
    import numpy as np

    from models.experiment.finished import Round

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
        loop.run(rounds, labels, after_round=keep_round)
    except KeyboardInterrupt:
        print("\nInterrupted: keeping what was learned so far.", file=sys.stderr)
        return INTERRUPTED
    return 0


def make_loop(config, dataset):
    """The data, the VAE and the mixture of this configuration, connected."""
    import numpy as np

    import serket_bridge as srk
    from models.experiment import make
    from serket_bridge import gibbs, gmm, mixture

    inference = {
        "em": mixture.EM,
        "variational": mixture.Variational,
        "gibbs": gibbs.Gibbs,
    }
    message = {"hard": gmm.hard, "soft": gmm.soft}
    seeds = np.random.SeedSequence(config["seed"]).generate_state(3)
    model_seed, vae_seed, gmm_seed = map(int, seeds)

    below = [srk.Observation(dataset.x)]
    if config["variant"] == "conditional":
        below.append(srk.Observation(dataset.labels[:, None], "labels"))
    vae = srk.VAE(
        model=make.model(config, dataset, model_seed),
        itr=config["epochs"],
        batch_size=config["batch_size"],
        steps_per_epoch=config["log_every"],
        seed=vae_seed,
    )
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
