"""The defaults of the command, for each data set. One table, nothing hidden."""

COMMON = {  # what holds where a row below says nothing
    "latent_dim": 10,
    "hidden_dims": (256,),
    "epochs": 50,  # of one round
    "batch_size": 128,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "likelihood": "gaussian",  # takes any real values, and its scale is learned
    "kl_weight": "1",
    "n_samples": 1,  # draws of z for each datum in a step
    "rounds": 5,
    "n_components": 10,
    "gmm": "em",
    "message": "soft",
}

MNIST = {
    "hidden_dims": (256, 256),
    "epochs": 20,
    "batch_size": 256,
    "likelihood": "bernoulli",
    "message": "hard",
}
DATA = {
    "digits": {"hidden_dims": (128,), "epochs": 100},
    "mnist": MNIST,
    "fashion_mnist": MNIST,
    # the settings of Serket's own tutorial
    "serket": {
        "latent_dim": 18,
        "hidden_dims": (100,),
        "epochs": 200,
        "batch_size": 500,
        "likelihood": "bernoulli",
        "message": "hard",
    },
    # any file or folder; in few rows a class may collapse, and a soft message with it
    "custom": {"message": "hard"},
}

# In the 64 pixels of a digit there are too few nats for a weight of 1: the Bernoulli
# VAE would leave its latents unused. A Gaussian with a learned scale weighs by itself.
KL_WEIGHT = {("digits", "bernoulli"): "0.1"}


# Of --network conv, as in Keras's example.
CONV = {"filters": (32, 64), "normalization": "none", "residual": False}
# The beta of Higgins et al. (2017) and the k of Burda et al. (2016), whatever the data.
VARIANT = {"beta": {"kl_weight": "4"}, "iwae": {"n_samples": 5}}


def for_data(name, likelihood=None, variant=None):
    """The defaults of a data set (and likelihood and variant, if chosen), by option."""
    row = COMMON | DATA[name]
    likelihood = likelihood or row["likelihood"]
    kl_weight = KL_WEIGHT.get((name, likelihood), row["kl_weight"])
    row |= {"likelihood": likelihood, "kl_weight": kl_weight}
    return row | VARIANT.get(variant, {})


def in_words(option):
    """The default of an option as `--help` shows it: "10; serket 18"."""
    rows = {name: for_data(name)[option] for name in DATA}
    others = [f"{name} {show(v)}" for name, v in rows.items() if v != COMMON[option]]
    return "; ".join([show(COMMON[option]), *others])


def show(value):
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)
