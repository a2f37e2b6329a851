"""Any VAE of the zoo as a module: latents go up, the prior comes down."""

import keras
import numpy as np

import models
from models.runs.run_folder import write_whole
from serket_bridge.latents import decoded, encoded, mean, moments, sample
from serket_bridge.messages import Gaussian
from serket_bridge.module import Module, positive
from serket_bridge.output import write_text
from serket_bridge.saving import save_module
from serket_bridge.serket_arguments import Building, check_support, shapes

__all__ = ["VAE", "mean", "moments", "sample"]

LOSS_STEPS = 50  # loss.txt has every 50th step where a step is an epoch


class VAE(Module):
    """A variational autoencoder that trains against the prior it is told.

    Its loss is -E_q[log p(x|z)] + KL_param KL(q(z|x) || N(m_n, diag 1 / L_n)) with the
    message (m, L) from above, N(0, I) until there is one.

    Args:
        latent_dim: the number of dimensions of z; not needed with `model`.
        weight_stddev: of the normal distribution, cut at two deviations, that the
            weights start from.
        itr: epochs of one `update`; with no `batch_size`, steps on all data at once.
        name, mode, seed, verbose: as every module's.
        hidden_encoder_dim, hidden_decoder_dim: width of the one hidden layer.
        batch_size: of the training; `None` takes all data.
        steps_per_epoch: what counts as an epoch; `None` is one pass over the data.
        KL_param: what multiplies the KL, a number or a schedule.
        model: any model of `models.VARIANTS` in place of all the above that describe
            one. It is compiled here with Adam unless it was compiled before. A model
            that does not listen (`models.serket.listen` makes it) trains on its own,
            and only sends. A conditional one is connected to the data and, as the
            second module, to an `Observation` of their labels.
        learning_rate: of Adam, if the model is compiled here.
        warm_start: whether weights, optimiser state and the epoch of the KL schedule
            are kept from one `update` to the next; else each starts as the first did.
        message: what goes up, a function (posterior, rng) -> message: `sample`, `mean`
            or `moments`. In recognition it is the mean.
        fit: what trains the model, a function that takes it and the arguments of
            `keras.Model.fit`; `None` is the model's own `fit`.
        callbacks: of Keras, for the training; they are not saved.
        epoch, KLD_weight, RE: Serket's newer names: of itr, of KL_param; and of p(x|z),
            "BCE" (Bernoulli) or "MSE" (Gaussian of variance 1/2).

    A subclass may build the networks, as in newer Serket: `build_encoder(self, x,
    latent_dim)` returns (mu, logvar), and `build_decoder(self, z)` the logits, or the
    mean for "MSE", alone or with an optimiser.

    Attributes:
        posterior: q(z|x) of the data, a `Gaussian` with both moments.
        x_hat: the mean of p(x|z) for the z sent up, as x.
        history: of every epoch so far, name -> list.
    """

    def __init__(
        self,
        latent_dim=None,
        weight_stddev=0.1,
        itr=5000,
        name="vae",
        hidden_encoder_dim=100,
        hidden_decoder_dim=100,
        batch_size=None,
        KL_param=1,
        mode="learn",
        *,
        model=None,
        learning_rate=1e-3,
        warm_start=True,
        message=sample,
        steps_per_epoch=None,
        fit=None,
        callbacks=(),
        seed=None,
        verbose=True,
        epoch=None,
        KLD_weight=None,
        RE="BCE",
    ):
        super().__init__(name, mode, seed, verbose)
        if model is None and latent_dim is None:
            raise TypeError("VAE needs latent_dim, or a model=. Received: neither")
        name, itr = ("itr", itr) if epoch is None else ("epoch", epoch)
        self.itr = positive(name, itr)
        self.batch_size = batch_size and positive("batch_size", batch_size)
        self.steps_per_epoch = steps_per_epoch and positive(
            "steps_per_epoch", steps_per_epoch
        )
        self.model, self.initial = model, None
        self.learning_rate, self.warm_start = learning_rate, warm_start
        self.message = message
        self.fit, self.callbacks = fit, list(callbacks)
        self._build = Building(
            self,
            RE,
            weight_stddev,
            hidden_encoder_dim,
            hidden_decoder_dim,
            learning_rate,
            latent_dim=latent_dim,
            kl_weight=KL_param if KLD_weight is None else KLD_weight,
            seed=int(np.random.SeedSequence(self.seed).generate_state(1)[0]),
        )
        self.identity = self._build.identity if model is None else shapes(model)
        self.posterior, self.x_hat = None, None
        self.history = {}

    @property
    def listens(self):
        """Whether a message from above reaches the objective."""
        return "prior_mean" in self.model.input

    @property
    def most_lowers(self):
        """The data, and the labels of a conditional model."""
        return 1 if self.model is None else 1 + self.model.is_conditional

    def observed(self):
        """x and label, `None` for a model that is not conditional."""
        data, *labels = self.inputs()
        if self.most_lowers == 1:
            return data.mean, None
        if not labels:
            raise RuntimeError(
                f"{self.name} has a conditional model: connect it to the data and to "
                "an Observation of the labels, (n, 1) or (n, label_dim)"
            )
        label = labels[0].mean
        return data.mean, label.reshape(
            len(label), *self.model.input["label"].shape[1:]
        )

    @property
    def steps(self):
        return self.itr

    @property
    def epochs_trained(self):
        return len(self.history.get("loss", ()))

    @property
    def belief(self):
        return self.posterior

    # --- Learning ---------------------------------------------------------------------

    def learn(self, tick):
        """Trains `itr` epochs."""
        x, label = self.observed()
        self.prepare(x)
        self.train(self.training_inputs(x, label), tick)

    def prepare(self, x):
        """Builds and compiles the model where that is still to do."""
        if self.model is None:
            self.model = self._build(x.shape[1:])
        check_support(self.name, self.model, x)
        if not self.model.compiled:
            self.model.compile(keras.optimizers.Adam(self.learning_rate))
        if not self.warm_start:
            self._start_afresh()

    def _start_afresh(self):
        """The weights of the first update, and an optimiser that has made no step."""
        if self.initial is None:
            self.initial = self.model.get_weights()
            return
        self.model.set_weights(self.initial)
        optimizer = self.model.optimizer
        self.model.compile(type(optimizer).from_config(optimizer.get_config()))

    def training_inputs(self, x, label=None):
        """The model's inputs by name: data and, if it listens, the message."""
        inputs = {"x": x} if label is None else {"x": x, "label": label}
        if not self.listens:
            return inputs
        prior = self.from_above(Gaussian.standard(len(x), self.model.latent_dim))
        message = {"prior_mean": prior.mean, "prior_precision": prior.precision}
        return inputs | message

    def train(self, inputs, tick):
        """Fits the model, and appends to the history."""

        def keep(epoch, logs):
            for name, value in logs.items():
                self.history.setdefault(name, []).append(float(value))
            tick()

        own = keras.callbacks.LambdaCallback(on_epoch_end=keep)
        first = self.epochs_trained if self.warm_start else 0
        fit = self.fit or type(self.model).fit
        fit(
            self.model,
            inputs,
            batch_size=self.batch_size or len(inputs["x"]),
            steps_per_epoch=self.steps_per_epoch,
            initial_epoch=first,
            epochs=first + self.itr,
            verbose=0,
            callbacks=[own, *self.callbacks],
        )
        self.report = {name: values[-1] for name, values in self.history.items()}
        if not np.isfinite(self.report["loss"]):
            raise ValueError(
                f"{self.name}: training diverged, the loss is {self.report['loss']}: "
                "lower learning_rate or KL_param, or scale the data"
            )

    # --- Messages ---------------------------------------------------------------------

    def send(self):
        """Encodes the data, sends latents up and the reconstruction down."""
        x, label = self.observed()
        message = self.message if self.mode == "learn" else mean
        self.posterior, self.forward = encoded(self.model, x, label, message, self.rng)
        self.x_hat = decoded(self.model, self.forward.mean, label)
        self.send_down(self.lowers[0], Gaussian.point(self.x_hat))

    def evidence(self):
        """E_q[log p(x|z)], and -KL(q || N(0, I)) where no module above has p(z)."""
        inputs = self.training_inputs(*self.observed())
        terms = self.model.evaluate(
            inputs, batch_size=1024, verbose=0, return_dict=True
        )
        return terms["log_likelihood"] - (0.0 if self._uppers else terms["kl"])

    def predict(self, value):
        """The data that latents (n, latent_dim) decode to."""
        if self.model.is_conditional:
            raise ValueError(
                f"{self.name} has a conditional model, which decodes for a label: call "
                f"{self.name}.model.decode(z, label)"
            )
        return super().predict(self.model.decode(value))

    # --- Files ------------------------------------------------------------------------

    def write(self, folder):
        """Serket's files, and the model."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / f"z_{self.mode}.txt", self.forward.mean)
        write_text(folder / f"x_hat_{self.mode}.txt", self.x_hat)
        if self.mode == "learn":
            loss = np.array(self.history["loss"])
            step = np.arange(1, len(loss) + 1)
            shown = step % (1 if self.batch_size else LOSS_STEPS) == 0
            shown[-1] = True
            write_text(folder / "loss.txt", np.stack([step, loss], axis=1)[shown])
            save_module(self, folder)

    def save(self, folder):
        write_whole(folder / "model.keras", self.model.save)

    def read(self, folder):
        self.model = models.load(folder / "model.keras")
        self.learned = True

    @classmethod
    def from_folder(cls, folder, settings):
        module = cls(model=models.load(folder / "model.keras"), **settings)
        module.learned = True
        return module

    def config(self):
        names = ("itr", "batch_size", "steps_per_epoch")
        names += ("learning_rate", "warm_start", "message")
        return {name: getattr(self, name) for name in names}

    def state(self):
        return {
            "history": {name: np.array(v) for name, v in self.history.items()},
            "initial": {str(i): w for i, w in enumerate(self.initial or ())},
            "posterior": self.posterior,
            "forward": self.forward,
        }

    def set_state(self, state):
        self.history = {name: v.tolist() for name, v in state["history"].items()}
        self.initial = list(state.get("initial", {}).values()) or None
        self.posterior, self.forward = state["posterior"], state["forward"]
        if not self.model.is_conditional:  # the labels may not be here yet
            self.x_hat = decoded(self.model, self.forward.mean, None)
