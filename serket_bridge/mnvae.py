"""A VAE of counts: its latents are proportions of topics, which MLDA takes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from serket_bridge import serket_arguments
from serket_bridge.messages import Categorical, Counts, Gaussian
from serket_bridge.serialization import register
from serket_bridge.vae import VAE

SMALLEST = 1e-3  # a Dirichlet parameter of what a message excludes


@register
def proportions(posterior: Gaussian, rng: np.random.Generator) -> Categorical:
    """The forward message softmax(z) at the mean of q(z|x), (n, latent_dim)."""
    return Categorical(posterior.mean)


def dirichlet_as_gaussian(message: Categorical) -> Gaussian:
    """A Dirichlet(K b_n) of theta as a Gaussian of z, theta = softmax(z), (n, K).

    b_n are the probabilities of the message. Its mean is log b_n less the mean of that
    over k, its precision K b_n: Laplace's approximation (MacKay 1998, "Choice of basis
    for Laplace approximation"; Srivastava and Sutton 2017). The uniform message is
    N(0, I).
    """
    log_alpha = np.maximum(message.log_prob + np.log(message.dim), np.log(SMALLEST))
    mean = log_alpha - log_alpha.mean(axis=1, keepdims=True)
    return Gaussian(mean, np.exp(log_alpha))


@register
class MNVAE(VAE):
    """The multinomial VAE (Kuniyasu et al. 2021), for counts and below an MLDA.

    p(x|z) is multinomial (`models.multinomial`), and z is Gaussian. It sends the
    proportions theta = softmax(z) forward, which an `MLDA` reads as a modality of
    `latent_dim` words. The words that the MLDA expects, a `Categorical`, become the
    prior of z: they are a Dirichlet of theta (`dirichlet_as_gaussian`).

    Args:
        latent_dim, epoch, name, batch_size, load_dir, loss_step: as of `VAE`.
        N, tau, rate: as in Serket; not used, because nothing is drawn: the `weights` of
            the MLDA are the number of tokens.
        KLD_weights: the weight of the KL term, or two, of the first `epoch` epochs and
            of the later ones.
        RE: p(x|z), "multinomial" for counts, or "BCE" or "MSE" as of `VAE`.
        message: `proportions`, or a forward message of `serket_bridge.vae`, such as
            `sample`, with which it is a `VAE` of counts, below a `GMM`.
        **options: further ones of `VAE`.
    """

    def __init__(
        self,
        latent_dim: int | None = None,
        N: int = 1,
        tau: float = 1.0,
        rate: float = 1e-4,
        epoch: int = 5000,
        name: str = "mnvae",
        batch_size: int | None = None,
        KLD_weights=(1.0, 1.0),
        RE: str = "multinomial",
        load_dir: str | Path | None = None,
        loss_step: int | None = None,
        *,
        message: Callable = proportions,
        **options,
    ):
        self.RE, epoch = RE, options.pop("itr", epoch)
        weight = serket_arguments.kl_schedule(KLD_weights, epoch)
        options |= {"epoch": epoch, "KLD_weight": weight, "RE": RE, "message": message}
        options |= {"load_dir": load_dir, "loss_step": loss_step}
        super().__init__(latent_dim, name=name, batch_size=batch_size, **options)

    @property
    def sends_proportions(self) -> bool:
        """Whether the forward message is a `Categorical`."""
        return self.message is proportions

    @property
    def output_message(self) -> type:
        """The kind of the forward message."""
        return Categorical if self.sends_proportions else Gaussian

    @property
    def predicts_mean(self) -> bool:
        """Whether `predict` takes proportions."""
        return self.sends_proportions

    @property
    def ports(self) -> dict:
        """Counts, or for a p(x|z) of other values a `Gaussian`."""
        is_count = self.RE == "multinomial"
        if self.model is not None:
            is_count = self.model.likelihood.is_count
        return super().ports | ({"x": Counts} if is_count else {})

    @property
    def x_hat(self) -> np.ndarray | None:
        """The mean of p(x|z), of counts that of one word; at the mean of q(z|x)."""
        if not self.sends_proportions:
            return super().x_hat
        if self._x_hat is None and self.forward is not None:
            self._x_hat = self.model.decode(self.posterior.mean)
        return self._x_hat

    def backward_message(self, default):
        if not self.sends_proportions or not self._backward:
            return super().backward_message(default)
        uniform = Categorical.uniform(*default.mean.shape)
        return dirichlet_as_gaussian(super().backward_message(uniform))

    def send(self) -> None:
        super().send()
        if self.sends_proportions:  # in recognition, too
            self.forward = proportions(self.posterior, self.rng)

    def predict(self, value):
        """The data expected of proportions, or else of latents: (n, latent_dim)."""
        if self.sends_proportions:
            with np.errstate(divide="ignore"):
                value = dirichlet_as_gaussian(Categorical(np.log(value))).mean
        return super().predict(value)
