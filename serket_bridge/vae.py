"""Any VAE of the zoo as a module: latents go up, the prior comes down."""

import keras
import numpy as np

from models.blocks.feed import steps_per_execution
from serket_bridge.messages import Gaussian
from serket_bridge.module import Module


def sample(posterior, rng):
    """Sends one draw of q(z|x): its scatter carries the posterior's variance up."""
    return Gaussian.point(posterior.sample(rng))


def mean(posterior, rng):
    """Sends the mean of q(z|x), as if it were certain."""
    return Gaussian.point(posterior.mean)


def moments(posterior, rng):
    """Sends q(z|x) itself, mean and precision."""
    return posterior


class VAE(Module):
    """A variational autoencoder that trains against the prior it is told.

    Its loss is -E_q[log p(x|z)] + kl_weight KL(q(z|x) || N(m_n, diag 1 / L_n)) with the
    message (m, L) from above, N(0, I) until there is one. Weights, optimiser state and
    the epoch of the KL schedule are kept from one `update` to the next. A model that
    does not listen (`models.serket.listen` makes it) trains on its own, and only sends.

    Args:
        model: any model of `models.VARIANTS`. It is compiled here with Adam unless it
            was compiled before.
        epochs: for one `update`.
        batch_size, learning_rate: of the training; the rate only if compiled here.
        send: what goes up, a function (posterior, rng) -> message: `sample`, `mean` or
            `moments`.
        seed: of the draws sent up.

    Attributes:
        posterior: q(z|x) of the data, a `Gaussian` with both moments.
        history: of every epoch so far, name -> list.
    """

    def __init__(
        self,
        model,
        *,
        epochs=100,
        batch_size=128,
        learning_rate=1e-3,
        send=sample,
        seed=None,
        name="vae",
    ):
        super().__init__(name)
        self.model, self.epochs, self.batch_size = model, epochs, batch_size
        self.learning_rate, self.send = learning_rate, send
        self.rng = np.random.default_rng(seed)
        self.posterior = None
        self.history = {}

    @property
    def listens(self):
        """Whether a message from above reaches the objective."""
        return "prior_mean" in self.model.input

    @property
    def steps(self):
        return self.epochs

    @property
    def epochs_trained(self):
        return len(self.history.get("loss", ()))

    def update(self, tick=lambda: None):
        """Trains `epochs` epochs, then encodes the data and sends both ways."""
        (data,) = self.inputs()
        x = data.mean
        self.train(self.training_inputs(x), tick)
        z_mean, z_log_var = self.model.encode(x)
        self.posterior = Gaussian(z_mean, np.exp(-z_log_var))
        self.forward = self.send(self.posterior, self.rng)
        x_mean = self.model.decode(self.forward.mean)
        self.send_down(self.lowers[0], Gaussian.point(x_mean))

    def training_inputs(self, x):
        """The model's inputs by name: x and, if it listens, the message from above."""
        if not self.listens:
            return {"x": x}
        prior = self.from_above(Gaussian.standard(len(x), self.model.latent_dim))
        return {"x": x, "prior_mean": prior.mean, "prior_precision": prior.precision}

    def train(self, inputs, tick):
        """Fits the model, and appends to the history."""
        if not self.model.compiled:
            steps = steps_per_execution(len(inputs["x"]), self.batch_size)
            optimizer = keras.optimizers.Adam(self.learning_rate)
            self.model.compile(optimizer, steps_per_execution=steps)

        def keep(epoch, logs):
            for name, value in logs.items():
                self.history.setdefault(name, []).append(float(value))
            tick()

        first = self.epochs_trained
        self.model.fit(
            inputs,
            batch_size=self.batch_size,
            initial_epoch=first,
            epochs=first + self.epochs,
            verbose=0,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep)],
        )
        self.report = {name: values[-1] for name, values in self.history.items()}
        if not np.isfinite(self.report["loss"]):
            raise ValueError(
                f"{self.name}: training diverged, the loss is {self.report['loss']}: "
                "lower the learning rate (--learning-rate) or the KL weight "
                "(--kl-weight), or scale the data"
            )
