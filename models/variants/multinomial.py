"""The VAE for counts, such as those of words in documents: a multinomial decoder.

Liang, Krishnan, Hoffman and Jebara (2018), "Variational autoencoders for collaborative
filtering" (Mult-VAE), whose annealed weight of the KL is `kl_weight`.
"""

from keras import ops

from models.blocks import densities
from models.blocks.component import register
from models.blocks.likelihoods import Likelihood
from models.variants.variant import Components, variant

SOURCE = "Liang et al. 2018"


@variant
def build() -> Components:
    """The VAE with p(x|z) = Multinomial(sum of x, softmax(logits)), for counts x."""
    return Components(likelihood=Multinomial())


@register
class Multinomial(Likelihood):
    """p(x|z) = Multinomial(sum of x, softmax(logits)), for counts x >= 0.

    The entries of x are the counts of all words in one document; how many there are is
    given. The mean is that of one word, the probabilities: multiply it by the sum of x.
    """

    is_count = True

    def build(self, x_shape, parameters_shape=None):
        self.event_axes = tuple(range(1 - len(x_shape), 0))

    def log_prob(self, x, logits, batch_axes=1):
        return densities.multinomial_log_likelihood(x, logits, batch_axes)

    def mean(self, logits):
        total = ops.logsumexp(logits, axis=self.event_axes, keepdims=True)
        return ops.exp(ops.subtract(logits, total))
