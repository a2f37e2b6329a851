"""A Markov chain over the classes of the module below: a hidden Markov model."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from models.checks import check_integer
from serket_bridge.checks import require
from serket_bridge.files import read_arrays, write_arrays, write_text
from serket_bridge.inference import forward_backward
from serket_bridge.inference.forward_backward import MarkovChain
from serket_bridge.messages import Categorical
from serket_bridge.saving import save_module
from serket_bridge.sequences import SequenceModule
from serket_bridge.serialization import register


@register
def smoothing_message(chain: MarkovChain, log_likelihoods, lengths, weights):
    """The exact message: log p(c_t | all other steps), (n, K), up to a constant.

    chain, log_likelihoods (n, K), lengths (S,): as in
    `serket_bridge.inference.forward_backward`; weights, (K,), are not used.
    """
    earlier = forward_backward.forward(chain, log_likelihoods, lengths)
    return earlier + forward_backward.backward(chain, log_likelihoods, lengths)


@register
def transition_message(chain: MarkovChain, log_likelihoods, lengths, weights):
    """Serket's message: log p(c_t | the step before), (n, K).

    p(c_t = l) = sum_k p(c_t-1 = k) A[k, l], with p(c_t-1 = k) of that step alone, in
    proportion to weights_k exp(log_likelihoods_k); for a first step initial_probs.
    Arguments as of `smoothing_message`; weights: p(c_t = k) of a step alone, (K,).
    """
    probs = Categorical(log_likelihoods + np.log(weights)).prob
    with np.errstate(divide="ignore"):  # a class that no step comes from
        result = np.log(np.roll(probs, 1, axis=0) @ chain.transition_matrix)
    result[forward_backward.first_rows(lengths)] = chain.log_initial
    return result


@register
class Markov(SequenceModule):
    """A Markov chain over the classes of the module below, in one sequence or many.

    p(c) = p(c_1) prod_t A[c_t-1, c_t] for each sequence. Above a `GMM` it is a hidden
    Markov model: the sum of their `evidence` is its log p(z), exactly.

    The forward message of the module below is taken as log p(z_t, c_t), and its weights
    p(c_t) are taken out (`class_weights`), because the chain is the prior of the
    classes. They are taken out of the message backward too, because the module below
    multiplies its own weights and the message. Each message excludes what its receiver
    has sent for that step, so that nothing is counted twice.

    Args:
        num_samp: as in Serket, the number of draws of each pair of classes, to whose
            counts 0.1 is added. Nothing is drawn here, the counts are expectations, and
            the number only sets this pseudo-count, 0.1 / num_samp, for one draw.
        name, mode, seed, verbose: as for every module.
        lengths: the number of rows of each sequence, (S,) integers; `None` is one
            sequence. For new data set `markov.lengths` before `loop.recognize`.
        message: the backward message: `smoothing_message`, or Serket's
            `transition_message`, of this file.
        itr: iterations of Baum-Welch in one `update`, at most; they continue from the
            last round's chain. With 0 the chain is counted in pairs of neighbours that
            are taken as independent, as in Serket.

    Attributes:
        chain: the parameters, a `MarkovChain`.
        responsibilities: p(c_t | messages), (n, K).
        classes: the most probable class of each step, (n,) int.
        prior: the last backward message that was sent.
    """

    input_message = output_message = Categorical
    parameter_file = "model.npz"
    saved_arguments = ("num_samp", "itr", "message")
    saved_state = ("forward", "prior", "responsibilities")

    def __init__(
        self,
        num_samp: int = 100,
        name: str = "mm",
        mode: str = "learn",
        *,
        lengths: Sequence[int] | None = None,
        message: Callable = smoothing_message,
        itr: int = 20,
        seed: int | None = None,
        verbose: bool = True,
    ):
        super().__init__(name, mode, seed, verbose)
        self.num_samp = check_integer("num_samp", num_samp)
        self.itr = check_integer("itr", itr, at_least=0)
        self.message, self.lengths, self.chain = message, lengths, None

    def inputs(self) -> tuple[Categorical]:
        """The class probabilities of each step, (n, K)."""
        (message,) = super().inputs()
        self.lengths_of(len(message))  # checks them
        if self.chain is not None:
            expected = len(self.chain.initial_probs)
            rule = f"{self.name} has learned {expected} classes, and takes as many from"
            rule += f" {self.parents[0].name}"
            require(message.dim == expected, rule, message.dim)
        return (message,)

    def evidence_of_steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(log p(z_t | c_t) from below; log b(c_t) K from above; lengths)."""
        (below,) = self.inputs()
        n, n_classes = below.log_prob.shape
        above = self.backward_message(Categorical.uniform(n, n_classes))
        log_likelihoods = below.log_prob - np.log(self.class_weights(n_classes))
        above = above.log_prob + np.log(n_classes)
        return log_likelihoods, above, self.lengths_of(n)

    def class_weights(self, n_classes: int) -> np.ndarray:
        """p(c_t) in the message of the module below, (K,): uniform but for mixtures."""
        return self.parents[0].class_prior(n_classes)

    def learn(self, progress) -> None:
        below, above, lengths = self.evidence_of_steps()
        log_likelihoods = below + above
        pseudo_count = 0.1 / self.num_samp
        if self.chain is None or self.itr == 0:
            weights = self.class_weights(below.shape[1])
            probs = Categorical(log_likelihoods + np.log(weights)).prob
            counts = forward_backward.neighbour_counts(probs, lengths)
            self.chain = MarkovChain.from_counts(*counts, pseudo_count)
        self.chain = forward_backward.baum_welch(
            self.chain, log_likelihoods, lengths, pseudo_count, self.itr
        )
        log_p = forward_backward.log_evidence(self.chain, log_likelihoods, lengths)
        self.metrics = {"bound": float(log_p.sum()) / len(below)}
        progress()

    def send(self) -> None:
        below, above, lengths = self.evidence_of_steps()
        weights = self.class_weights(below.shape[1])
        log_prior = self.message(self.chain, below + above, lengths, weights)
        self.forward = Categorical(log_prior + below)
        self.prior = Categorical(log_prior + above - np.log(weights))
        self._set_classes(Categorical(log_prior + below + above).prob)
        self.send_backward(self.parents[0], self.prior)

    def _set_classes(self, responsibilities):
        self.responsibilities = responsibilities
        self.classes = responsibilities.argmax(axis=1)

    def evidence(self) -> float:
        """log p(z) of the chain, less what the module below has of it; nats per row.

        That module's term has sum_k p(z_t, c_t = k) K b_k for each step, with b the
        message from here. So it is log sum_c p(c) prod_t p(z_t | c_t) - sum_t log
        sum_k p(c_t = k | z_t) K b_tk, where z_t counts as p(z_t | c_t) / p(z_t).
        """
        below, above, lengths = self.evidence_of_steps()
        log_p = forward_backward.log_evidence(self.chain, below + above, lengths)
        (message,) = self.inputs()
        counted = message.log_overlap(self.prior)
        return float(log_p.sum() - counted.sum()) / len(below)

    def write_results(self, folder: Path) -> None:
        """Writes Serket's files; msg is the backward message."""
        write_text(folder / f"msg_{self.mode}.txt", self.prior.prob)
        if self.mode == "learn":
            write_text(folder / "trans_prob_learn.txt", self.chain.transition_matrix)
            save_module(self, folder)

    def save_parameters(self, folder: Path) -> None:
        write_arrays(folder / self.parameter_file, vars(self.chain))

    def load_parameters(self, folder: Path) -> None:
        self.chain = MarkovChain(**read_arrays(folder / self.parameter_file))
        self.learned = True

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self._set_classes(self.responsibilities)


MarkovModel = Markov  # Serket's name
