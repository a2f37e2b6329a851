"""python -m models.train: trains a variant, and leaves a folder of results.

Every variant gets the same treatment: a VAE, and a Gaussian mixture that sorts its
latents into classes. A variant that listens (`serket`) and the mixture then teach each
other for some rounds; the others have one.

This is the composition root: the only place where a word on the command line becomes a
function, and the only file of `models` that knows `serket_bridge`.
"""

import sys
import time

from models import VARIANTS
from models.experiment import options
from models.experiment.quiet import quiet_backend

INTERRUPTED = 130  # the exit code of a command stopped by Ctrl-C

# --likelihood -> the variant that has it
LIKELIHOODS = {"bernoulli": "bernoulli", "gaussian": "vanilla"}


def main(arguments=None):
    """Runs the command; returns its exit code."""
    parser = options.make_parser(VARIANTS)
    given = parser.parse_args(arguments)
    try:
        return run(given)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2


def run(given):
    """Trains as the options say. ValueError or OSError: what a user can mend."""
    started = time.perf_counter()
    from models.experiment import data
    from models.experiment.runs import RunFolder

    dataset = data.load(given.data, given.labels, given.image_size)
    config = options.resolve(given, dataset)
    data.check_enough_rows(dataset, config["batch_size"], config["n_components"])
    if config["likelihood"] == "bernoulli":
        data.check_unit_interval(dataset)
    folder = RunFolder(given.out, f"{given.variant}-{dataset.name}", given.overwrite)
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
    return status


def train(loop, rounds, labels, kept):
    """Runs the rounds; `kept` receives what each left behind. Returns the exit code."""
    import numpy as np

    from models.experiment.report import Round

    _, vae, gmm = loop.modules

    def keep_round(loop):
        q = vae.posterior
        result = Round(
            z_mean=q.mean,
            z_log_var=-np.log(q.precision),
            z=vae.forward.mean,
            classes=gmm.classes,
            responsibilities=gmm.responsibilities,
            mixture=gmm.mixture,
        )
        kept[1 if kept else 0 :] = [result]  # the first round, and the last whole one

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
    from serket_bridge import gibbs, gmm, mixture

    inference = {
        "em": mixture.EM,
        "variational": mixture.Variational,
        "gibbs": gibbs.Gibbs,
    }
    message = {"hard": gmm.hard, "soft": gmm.soft}
    seeds = np.random.SeedSequence(config["seed"]).generate_state(3)
    model_seed, vae_seed, gmm_seed = map(int, seeds)

    observation = srk.Observation(dataset.x)
    vae = srk.VAE(
        model=make_model(config, dataset.input_shape, model_seed),
        itr=config["epochs"],
        batch_size=config["batch_size"],
        learning_rate=config["learning_rate"],
        seed=vae_seed,
    )
    classes = srk.GMM(
        config["n_components"],
        inference=inference[config["gmm"]](),
        message=message[config["message"]],
        seed=gmm_seed,
    )
    vae.connect(observation)
    classes.connect(vae)
    return srk.MessageLoop([observation, vae, classes])


def make_model(config, input_shape, seed):
    """The variant, with the likelihood that was asked for."""
    from models import beta, serket

    likelihood = config["likelihood"]
    kl_weight = options.schedule(config["kl_weight"])
    own = {"sigma": config["sigma"]} if likelihood == "gaussian" else {}
    model = VARIANTS[LIKELIHOODS[likelihood]](
        input_shape,
        config["latent_dim"],
        config["hidden_dims"] or (),
        network=make_network(config),
        kl_weight=kl_weight,
        n_samples=config["n_samples"],
        seed=seed,
        **own,
    )
    if config["variant"] == "beta":
        return beta.weigh(model, kl_weight, options.schedule(config["capacity"]))
    return serket.listen(model) if config["variant"] == "serket" else model


def make_network(config):
    """The bodies of encoder and decoder."""
    from models.blocks import networks

    if config["network"] == "mlp":
        return networks.MLP()
    normalization = {
        "none": None,
        "batch": networks.batch_normalization,
        "group": networks.group_normalization,
    }
    return networks.Conv(
        config["filters"],
        normalization=normalization[config["normalization"]],
        residual=config["residual"],
    )


if __name__ == "__main__":
    sys.exit(main())
