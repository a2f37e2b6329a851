"""Forward messages of a VAE: functions (q(z|x), rng) -> message, (n, latent_dim)."""

from serket_bridge.messages import Gaussian
from serket_bridge.serialization import register


@register
def sample(posterior, rng) -> Gaussian:
    """One draw of q(z|x)."""
    return Gaussian.point(posterior.sample(rng))


@register
def mean(posterior, rng) -> Gaussian:
    """The mean of q(z|x), as if it were certain."""
    return Gaussian.point(posterior.mean)


@register
def moments(posterior, rng) -> Gaussian:
    """q(z|x) itself, mean and precision."""
    return posterior
