"""Agents that agree on names of the things that each sees in its own way."""

from collections.abc import Callable
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
from scipy.special import logsumexp
from sklearn.metrics import adjusted_rand_score, cohen_kappa_score

from models.checks import check_integer
from serket_bridge.checks import require
from serket_bridge.files import write_text
from serket_bridge.inference.naming import (
    ACCEPTANCES,
    classes_of_names,
    no_communication,
)
from serket_bridge.messages import Categorical
from serket_bridge.module import Module
from serket_bridge.naming_figures import draw_latents, draw_rounds
from serket_bridge.saving import save_module
from serket_bridge.serialization import register

FLOOR = -700.0  # of a log belief relative to the highest: no name is impossible


@register
class NamingGame(Module):
    """The Metropolis-Hastings naming game above the mixtures of two agents or more.

    An agent is a module with classes, usually the `GMM` of a VAE, over its own view of
    the same things. It has one class d_i(w) for each name w, which all agents share:

        p(w_n) prod_i p(z_in | c_in = d_i(w_n)),    p(w_n) = 1 / K, or the message from
                                                    above

    so that the belief of agent i of a name is the agent's message without its weights,
    in proportion to p(z_in | d_i(w)). In one `update` each agent speaks `itr` times of
    each thing, and the others accept or not (`serket_bridge.inference.naming`). The
    message to an agent is the product of what it has accepted from each of the others,
    a prior of its classes, and leaves out what it has sent itself. Its mixture is
    fitted with this prior, and its VAE with the mixture's message.

    d_i is the one-to-one matching of the agent's classes with the names of the last
    round; at first they are the classes of the first agent. So no inference need keep
    the numbers of its classes. The `labels` of `srk.MessageLoop` score the names.

    Args:
        itr: how many times each agent speaks of each thing in one `update`.
        name, mode, seed, verbose: as for every module.
        category: labels (n,), only for each agent's adjusted Rand index.
        acceptance: "metropolis"; "all", every name is accepted; "none", nobody speaks;
            "gibbs", names are drawn from the product of all beliefs, and each agent
            hears the beliefs of the others; or a function as those of
            `serket_bridge.inference.naming`, registered.

    Attributes:
        classes: the agreed names, (n,) int.
        names: what each agent calls each thing by its own view alone, (N, n) int.
        dictionary: d_i(w), (N, K) int.
        metrics: `kappa`, the mean of Cohen's kappa of the `names` of two agents, and
            `kappa a and b` of each two; `acceptance a to b`, how much of what a says b
            accepts; with `category` `ari a`. a and b are names of modules.

    Raises:
        ValueError: in `update`: fewer than two agents, messages of different examples
            or numbers of classes, or another number of labels.
    """

    input_message = output_message = Categorical
    max_parents = 1000
    parameter_file = "model.npz"
    saved_arguments = ("itr", "acceptance")
    saved_parameters = ("dictionary",)
    saved_state = ("forward", "classes", "names")

    def __init__(
        self,
        itr: int = 10,
        name: str = "game",
        category=None,
        mode: str = "learn",
        *,
        acceptance: str | Callable = "metropolis",
        seed: int | None = None,
        verbose: bool = True,
    ):
        super().__init__(name, mode, seed, verbose)
        self.itr = check_integer("itr", itr)
        self.category = None if category is None else np.asarray(category)
        self.acceptance = acceptance
        is_word = isinstance(acceptance, str)
        self.play = ACCEPTANCES.get(acceptance) if is_word else acceptance
        words = ", ".join(map(repr, ACCEPTANCES))
        rule = f"acceptance must be one of {words}, or a function"
        require(callable(self.play), rule, repr(acceptance))
        self.classes = self.dictionary = None

    @property
    def communicates(self) -> bool:
        """Whether the agents send messages to one another."""
        return self.play is not no_communication

    def inputs(self) -> list[Categorical]:
        """The class probabilities of each agent, (n, K)."""
        rule = f"{self.name} needs two agents or more"
        names = [parent.name for parent in self.parents]
        require(len(names) > 1, rule, ", ".join(names) or "none")
        messages = super().inputs()
        sizes = [message.dim for message in messages]
        rule = f"{self.name} needs agents with the same number of classes"
        pairs = zip(sizes, names, strict=True)
        received = ", ".join(f"{size} of {agent}" for size, agent in pairs)
        require(len(set(sizes)) == 1, rule, received)
        if self.category is not None:
            rule = f"{self.name}: category must have {len(messages[0])} labels, as many"
            rule += f" as there are examples of {' and '.join(names)}"
            n = len(self.category)
            require(n == len(messages[0]), rule, n)
        return messages

    def learn(self, progress) -> None:
        classes, n_names = self.log_likelihoods().argmax(axis=2), self.inputs()[0].dim
        self.dictionary = np.tile(np.arange(n_names), (len(classes), 1))
        if self.communicates:
            are_known = self.classes is not None and len(self.classes) == len(classes.T)
            names = self.classes if are_known else classes[0]
            matched = [classes_of_names(own, names, n_names) for own in classes]
            self.dictionary = np.stack(matched)
        progress()

    def log_likelihoods(self) -> np.ndarray:
        """log p(z_in | c) of each agent up to a constant of each thing, (N, n, K)."""
        pairs = zip(self.inputs(), self.parents, strict=True)
        return np.stack([m.log_prob - log_weights(agent) for m, agent in pairs])

    def log_likelihoods_of_names(self) -> np.ndarray:
        """log p(z_in | d_i(w)), as `log_likelihoods`."""
        return np.take_along_axis(self.log_likelihoods(), self.dictionary[:, None], 2)

    def log_prior(self) -> np.ndarray:
        """log p(w_n), (n, K), nats: the message from above, or uniform."""
        shape = self.inputs()[0].log_prob.shape
        return self.backward_message(Categorical.uniform(*shape)).log_prob

    def send(self) -> None:
        own = self.log_likelihoods_of_names()
        beliefs = np.maximum(own - own.max(axis=2, keepdims=True), FLOOR)
        agreement = self.play(beliefs, self.log_prior(), self.itr, self.rng)
        self.names, self.classes = own.argmax(axis=2), agreement.names
        self.forward = self.inputs()[0]
        if self.communicates:
            self.forward = Categorical(own.sum(axis=0))
            self._tell(agreement.heard)
        self.metrics = self._scores(agreement.acceptance)

    def _tell(self, heard):
        """Sends each agent what it has heard, (N, n, K), as a prior of its classes."""
        for agent, of_names, d in zip(
            self.parents, heard, self.dictionary, strict=True
        ):
            log_prob = of_names[:, np.argsort(d)] - log_weights(agent)
            self.send_backward(agent, Categorical(log_prob))

    def _scores(self, acceptance):
        agents = dict(zip([m.name for m in self.parents], self.names, strict=True))
        pairs = combinations(agents, 2)
        kappas = {f"kappa {a} and {b}": kappa(agents[a], agents[b]) for a, b in pairs}
        scores = {"kappa": float(np.mean([*kappas.values()]))} | kappas
        if acceptance is not None:
            for (i, a), (j, b) in permutations(enumerate(agents), 2):
                scores[f"acceptance {a} to {b}"] = float(acceptance[i, j])
        if self.category is not None:
            for a, names in agents.items():
                scores[f"ari {a}"] = float(adjusted_rand_score(self.category, names))
        return scores

    def evidence(self) -> float:
        """log sum_w p(w) prod_i p(z_in | d_i(w)), less what the agents' terms have.

        Agent i's term has sum_k f_ik K b_ik, with its message f and the message b from
        here. Without communication each agent is a model of its own, with p(c) its
        weights, and the messages add nothing.
        """
        log_prior = self.log_prior()
        if not self.communicates:
            prior = Categorical.from_normalized(log_prior)
            return float(self.forward.log_overlap(prior).mean())
        joint = self.log_likelihoods_of_names().sum(axis=0) + log_prior
        total = logsumexp(joint, axis=1)
        for agent, message in zip(self.parents, self.inputs(), strict=True):
            total -= message.log_overlap(agent._backward[self])
        return float(total.mean())

    def predict(self, value) -> dict:
        """What each agent expects to see of names, (n,) int: its module's name -> x."""
        pairs = zip(self.parents, self.dictionary, strict=True)
        return {agent.name: agent.predict(d[np.asarray(value)]) for agent, d in pairs}

    def inference_copy(self) -> "NamingGame":
        copied = super().inference_copy()
        copied.category = None  # labels of other data
        return copied

    def draw_rounds(self, rows: list[dict]):
        """A figure of kappa and of the acceptance by round; rows: those of the loop."""
        return draw_rounds(rows, self.name)

    def draw_latents(self):
        """A figure of each agent's latents, with the colours of the agreed names."""
        latents = {m.name: m.parents[0].posterior.mean for m in self.parents}
        return draw_latents(latents, self.classes)

    def write_results(self, folder: Path) -> None:
        """Writes the agreed names, and in columns those of each agent."""
        write_text(folder / f"class_{self.mode}.txt", self.classes, "%d")
        write_text(folder / f"names_{self.mode}.txt", self.names.T, "%d")
        if self.mode == "learn":
            save_module(self, folder)


def log_weights(agent: Module) -> np.ndarray | float:
    """log p(c = k) in an agent's message, (K,): uniform, 0, but for mixtures."""
    mixture = getattr(agent, "mixture", None)
    if mixture is None:
        return 0.0
    return np.log(np.maximum(mixture.weights, np.finfo(float).tiny))


def kappa(names: np.ndarray, others: np.ndarray) -> float:
    """Cohen's kappa of two agents' names, (n,) int; 1 if they are the same."""
    if np.array_equal(names, others):
        return 1.0  # also of a single name, where chance explains it
    return float(cohen_kappa_score(names, others))
