"""A VAE of the zoo as a module: latents forward, reconstructions backward."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import models
from models.atomic_files import write_atomically
from models.checks import check_integer
from serket_bridge import serket_arguments
from serket_bridge.checks import require
from serket_bridge.files import write_text
from serket_bridge.messages import Gaussian
from serket_bridge.module import Module
from serket_bridge.saving import save_module
from serket_bridge.serialization import register

LOSS_STEP = 50  # between the lines of loss.txt where a step is an epoch


@register
def sample(posterior: Gaussian, rng: np.random.Generator) -> Gaussian:
    """The forward message that is one draw of q(z|x), (n, latent_dim)."""
    return Gaussian.point(posterior.sample(rng))


@register
def mean(posterior: Gaussian, rng: np.random.Generator) -> Gaussian:
    """The forward message that is the mean of q(z|x), as if it were certain."""
    return Gaussian.point(posterior.mean)


@register
def moments(posterior: Gaussian, rng: np.random.Generator) -> Gaussian:
    """The forward message that is q(z|x) itself, mean and precision."""
    return posterior


@register
class VAE(Module):
    """A variational autoencoder whose prior is the backward message.

    Its loss is -E_q[log p(x|z)] + KL_param KL(q(z|x) || N(m_n, diag(1 / L_n))), in nats
    per example, with the message (m, L), which is N(0, I) before one was sent.

    Args:
        latent_dim: the number of dimensions of z; not needed with `model`.
        weight_stddev: the standard deviation of the initial weights.
        itr: epochs of one `update`; without `batch_size`, steps on all data at once.
        name, mode, seed, verbose: as for every module.
        hidden_encoder_dim, hidden_decoder_dim: the width of their hidden layer.
        batch_size: of the training; `None` uses all data.
        KL_param: the weight of the KL term, a number or a schedule.
        model: any model of `models.VARIANTS`, instead of the arguments that describe
            one. One that takes no message (`models.serket.with_prior_message`) only
            sends. A conditional one is connected to data and `Observation(labels)`.
        learning_rate: of Adam, if the model is not compiled yet.
        warm_start: whether weights, optimiser state and the epoch of the KL schedule
            continue from one `update` to the next; else each starts like the first.
        message: the forward message, a function of q(z|x) and a random generator:
            `sample`, `mean` or `moments`; in recognition always `mean`.
        steps_per_epoch: the length of an epoch; `None` is one pass over the data.
        fit: a function of the model and the arguments of `keras.Model.fit`.
        callbacks: of Keras, for the training; they are not saved.
        load_dir: a folder that `update` wrote: recognises with its model.
        loss_step: epochs between lines of loss.txt; `None`: 1, or 50 without batches.
        epoch, KLD_weight: newer names of itr and KL_param in Serket.
        RE: p(x|z): "BCE" (Bernoulli), "MSE" (Gaussian, variance 1/2), "multinomial".

    A subclass can have `build_encoder(self, x, latent_dim)` -> (mu, logvar) and
    `build_decoder(self, z)` -> logits (the mean for "MSE"), or with an optimiser.
    `posterior` is q(z|x) of the data; `history` has the metrics of every epoch so far.
    """

    parameter_file, given_inputs, posterior = "model.keras", ("label",), None
    saved_arguments = ("itr", "batch_size", "steps_per_epoch")
    saved_arguments += ("learning_rate", "warm_start", "message")

    def __init__(
        self,
        latent_dim: int | None = None,
        weight_stddev: float = 0.1,
        itr: int = 5000,
        name: str = "vae",
        hidden_encoder_dim: int = 100,
        hidden_decoder_dim: int = 100,
        batch_size: int | None = None,
        KL_param=1,
        mode: str = "learn",
        *,
        model=None,
        learning_rate: float = 1e-3,
        warm_start: bool = True,
        message: Callable = sample,
        steps_per_epoch: int | None = None,
        fit: Callable | None = None,
        callbacks=(),
        load_dir: str | Path | None = None,
        loss_step: int | None = None,
        seed: int | None = None,
        verbose: bool = True,
        epoch: int | None = None,
        KLD_weight=None,
        RE: str = "BCE",
    ):
        super().__init__(name, mode if load_dir is None else "recog", seed, verbose)
        if model is None and latent_dim is None and load_dir is None:
            raise TypeError("VAE needs latent_dim, or a model=. Received: neither")
        name, itr = ("itr", itr) if epoch is None else ("epoch", epoch)
        self.itr = check_integer(name, itr)
        optional = {"batch_size": batch_size, "steps_per_epoch": steps_per_epoch}
        for name, value in (optional | {"loss_step": loss_step}).items():
            setattr(self, name, value and check_integer(name, value))
        self.model, self.initial, self.message = model, None, message
        self.learning_rate, self.warm_start = learning_rate, warm_start
        self.fit, self.callbacks = fit, list(callbacks)
        weight = KL_param if KLD_weight is None else KLD_weight
        widths = hidden_encoder_dim, hidden_decoder_dim
        arguments = RE, weight_stddev, widths, latent_dim, weight
        self._factory = serket_arguments.ModelFactory(self, *arguments)
        shapes = {w.path: list(w.shape) for w in model.weights} if model else None
        self.fingerprint = shapes or self._factory.fingerprint
        self.history, self._x_hat, self._checked = {}, None, None
        if load_dir is not None:
            self.load_learned(load_dir)

    @property
    def takes_message(self) -> bool:
        """Whether the prior of the model is the backward message."""
        return self.model.takes_message

    @property
    def ports(self) -> dict:
        """The data, and the labels of a conditional model."""
        is_conditional = self.model is not None and self.model.is_conditional
        return dict.fromkeys(("x", "label")[: 1 + is_conditional], Gaussian)

    @property
    def n_steps(self) -> int:
        """The number of epochs of a round."""
        return self.itr

    @property
    def epochs_trained(self) -> int:
        """The number of epochs so far."""
        return len(self.history.get("loss", ()))

    @property
    def x_hat(self) -> np.ndarray | None:
        """The mean of p(x|z) for the z of `forward`, as x; decoded when first read."""
        if self._x_hat is None and self.forward is not None:
            label = self.observed()[1] if self.model.is_conditional else None
            self._x_hat = self.model.decode(self.forward.mean, label)
        return self._x_hat

    def observed(self) -> tuple:
        """x and label, which is `None` for a model that is not conditional."""
        data, *labels = self.inputs()
        if len(self.ports) == 1:
            return data.mean, None
        rule = f"{self.name} has a conditional model: connect it to the data and to "
        rule += "an Observation of the labels, (n, 1) or (n, label_dim)"
        require(labels, rule, error=RuntimeError)
        shape = self.model.input["label"].shape[1:]
        return data.mean, labels[0].mean.reshape(len(data), *shape)

    def learn(self, progress) -> None:
        x, label = self.observed()
        self.prepare(x)
        self.train(self.training_inputs(x, label), progress)

    def prepare(self, x) -> None:
        """Builds and compiles the model if needed, and checks x, (n, ...)."""
        if self.model is None:
            self.model = self._factory(x.shape[1:])
        if self._checked is not x:
            serket_arguments.check_support(self, x)
            self._checked = x
        if not self.model.compiled:
            serket_arguments.compile_model(self.model, self.learning_rate)
        if not self.warm_start and self.initial is not None:
            self.model.set_weights(self.initial)
            optimizer = self.model.optimizer
            self.model.compile(type(optimizer).from_config(optimizer.get_config()))
        if not self.warm_start:
            self.initial = self.model.get_weights()

    def training_inputs(self, x, label=None) -> dict:
        """The inputs of the model by name."""
        inputs = {"x": x} if label is None else {"x": x, "label": label}
        if not self.takes_message:
            return inputs
        prior = self.backward_message(Gaussian.standard(len(x), self.model.latent_dim))
        rule = f"{self.name} received a backward message of infinite precision: send "
        rule += "Gaussian(mean, ones) instead of Gaussian.point(mean)"
        require(np.isfinite(prior.precision.max()), rule)
        return inputs | {"prior_mean": prior.mean, "prior_precision": prior.precision}

    def train(self, inputs: dict, progress) -> None:
        """Fits the model, and appends to the history."""
        import keras

        def append(epoch, logs):
            for name, value in logs.items():
                self.history.setdefault(name, []).append(float(value))
            progress()

        callback = keras.callbacks.LambdaCallback(on_epoch_end=append)
        first = self.epochs_trained if self.warm_start else 0
        (self.fit or type(self.model).fit)(
            self.model,
            inputs,
            batch_size=self.batch_size or len(inputs["x"]),
            steps_per_epoch=self.steps_per_epoch,
            initial_epoch=first,
            epochs=first + self.itr,
            verbose=0,
            callbacks=[callback, *self.callbacks],
        )
        self.metrics = {name: values[-1] for name, values in self.history.items()}
        serket_arguments.check_convergence(self, inputs)

    def send(self) -> None:
        """Sends latents forward, and N(x_hat, I) to a parent that reads messages."""
        x, label = self.observed()
        if self.model.posterior.is_gaussian:
            z_mean, z_log_var = self.model.encode(x, label)
            self.posterior = Gaussian(z_mean, np.exp(-z_log_var))
        else:
            self.posterior = Gaussian.point(self.model.latents(x, label))
        message = self.message if self.mode == "learn" else mean
        self.forward, self._x_hat = message(self.posterior, self.rng), None
        if self.parents[0].uses_backward_message:
            message = Gaussian(self.x_hat, np.ones_like(self.x_hat))
            self.send_backward(self.parents[0], message)

    def evidence(self) -> float | None:
        """E_q[log p(x|z)] + H(q(x)), and without children - KL(q(z|x) || p(z)).

        One draw of z, and of x if it is a latent below of which the mean was encoded.
        """
        (x, label), q_x, kl = self.observed(), self.parents[0].posterior, 0.0
        rng, entropy = np.random.default_rng(self.epochs_trained), q_x.entropy().mean()
        is_draw = q_x.is_point or not np.array_equal(x, q_x.mean)
        if not self.modelled_by:
            inputs, quiet = self.training_inputs(x, label), {"verbose": 0}
            terms = self.model.evaluate(inputs, None, 1024, return_dict=True, **quiet)
            if not {"log_likelihood", "kl"} <= set(terms):
                return None
            kl = terms["kl"]
            if is_draw:
                return float(terms["log_likelihood"] + entropy - kl)
        if not self.model.posterior.is_gaussian:
            return None
        x = x if is_draw else q_x.sample(rng)
        log_px = self.model.log_likelihood(x, self.posterior.sample(rng), label)
        return float(log_px.mean(dtype=float) + entropy - kl)

    def predict(self, value):
        rule = f"{self.name} has a conditional model, which needs a label: call "
        rule += f"{self.name}.model.decode(z, label)"
        require(not self.model.is_conditional, rule)
        return super().predict(self.model.decode(value))

    def write_results(self, folder: Path) -> None:
        write_text(folder / f"z_{self.mode}.txt", self.forward.mean)
        write_text(folder / f"x_hat_{self.mode}.txt", self.x_hat)
        if self.mode == "learn":
            loss = np.array(self.history["loss"])
            epochs = np.arange(1, len(loss) + 1)
            step = self.loss_step or (1 if self.batch_size else LOSS_STEP)
            shown = (epochs % step == 0) | (epochs == len(loss))
            write_text(folder / "loss.txt", np.stack([epochs, loss], axis=1)[shown])
            save_module(self, folder)

    def save_parameters(self, folder: Path) -> None:
        write_atomically(folder / self.parameter_file, self.model.save)

    def load_parameters(self, folder: Path) -> None:
        self.model = models.load(folder / self.parameter_file)
        self.learned = True

    @classmethod
    def from_folder(cls, folder: Path, settings: dict) -> "VAE":
        module = cls(model=models.load(folder / cls.parameter_file), **settings)
        module.learned = True
        return module

    def state(self) -> dict:
        history = {name: np.array(values) for name, values in self.history.items()}
        initial = {str(i): weight for i, weight in enumerate(self.initial or ())}
        messages = {"posterior": self.posterior, "forward": self.forward}
        return {"history": history, "initial": initial} | messages

    def set_state(self, state: dict) -> None:
        self.history = {name: v.tolist() for name, v in state["history"].items()}
        self.initial = list(state.get("initial", {}).values()) or None
        self.posterior, self.forward = state["posterior"], state["forward"]
        self._x_hat = None
