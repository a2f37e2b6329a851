"""A class that several modules share: tail-to-tail, as Serket calls it."""

from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp, softmax

from models.checks import check_integer
from serket_bridge.checks import require
from serket_bridge.files import write_text
from serket_bridge.messages import Categorical
from serket_bridge.module import Module
from serket_bridge.saving import save_module
from serket_bridge.serialization import register


@register
class TailToTail(Module):
    """p(c) prod_m p(x_m | c): one class c_n of each example, seen by several modules.

    The modules below, such as two `GMM`s of images and of sounds, have the same number
    of classes, in any order: each round their classes are matched one-to-one with those
    here, so that they agree with the other modules in as many examples as possible.
    Each forward message is taken as log p(x_mn, c_n); the prior of the classes in it is
    taken out, because p(c) is their prior, which is learned by EM. The message to each
    module is the product of p(c), of what the others and the modules above have sent,
    and excludes the module's own. Above mixtures the sum of all `evidence` is log p(x).

    After the first round one module in each round receives a new message, in turn: two
    that change at once, each to agree with what the other was, can exchange their
    classes for ever.

    Args:
        name, mode, seed, verbose: as for every module.
        itr: steps of EM for p(c) in one `update`.

    Attributes:
        weights: p(c), (K,).
        matching: the class of module m that each class here is, (M, K) int.
        responsibilities: p(c_n | messages), (n, K).
        classes: the most probable class of each example, (n,) int.
    """

    input_message = output_message = Categorical
    max_parents = 1000
    parameter_file = "model.npz"
    saved_arguments = ("itr",)
    saved_parameters = ("weights", "matching")
    saved_state = ("forward", "responsibilities", "n_sent")

    def __init__(
        self,
        name: str = "tt",
        mode: str = "learn",
        *,
        itr: int = 20,
        seed: int | None = None,
        verbose: bool = True,
    ):
        super().__init__(name, mode, seed, verbose)
        self.itr = check_integer("itr", itr)
        self.weights = self.matching = None
        self.n_sent = 0  # how many times messages were sent in learning

    @property
    def classes(self) -> np.ndarray:
        """The most probable class of each example, (n,) int."""
        return self.responsibilities.argmax(axis=1)

    def class_prior(self, n_classes) -> np.ndarray:
        return self.weights

    def inputs(self) -> list[Categorical]:
        """The class probabilities of each module below, (n, K)."""
        messages = super().inputs()
        sizes = [message.dim for message in messages]
        received = zip(sizes, self.parents, strict=True)
        received = ", ".join(f"{size} from {parent.name}" for size, parent in received)
        rule = f"{self.name} needs the same number of classes from all modules"
        require(len(set(sizes)) == 1, rule, received)
        if self.weights is not None:
            rule = f"{self.name} has learned {self.matching.shape} classes of modules"
            expected = (len(sizes), sizes[0])
            require(self.matching.shape == expected, rule, expected)
        return messages

    def log_likelihoods(self) -> list[np.ndarray]:
        """log p(x_m | c_m) of each module below, in its own classes, (n, K)."""
        pairs = zip(self.inputs(), self.parents, strict=True)
        return [m.log_prob - np.log(parent.class_prior(m.dim)) for m, parent in pairs]

    def log_above(self, n: int) -> np.ndarray:
        """log K b of the message b from above, (n, K)."""
        n_classes = len(self.weights)
        message = self.backward_message(Categorical.uniform(n, n_classes))
        return message.log_prob + np.log(n_classes)

    def matched(self, arrays) -> np.ndarray:
        """Arrays of each module's classes, (n, K), in the classes here: (M, n, K)."""
        pairs = zip(arrays, self.matching, strict=False)
        return np.stack([array[:, order] for array, order in pairs])

    def learn(self, progress) -> None:
        """Matches the classes, then makes `itr` steps of EM for p(c)."""
        found = self.log_likelihoods()
        n_classes = found[0].shape[1]
        if self.matching is None:
            self.matching = np.arange(n_classes)[None]  # of the first module
            self.weights = np.full(n_classes, 1 / n_classes)
        for m in range(1, len(found)):
            known = self.matched(found)  # in the first round the modules before
            others = np.log(self.weights) + without(m, known).sum(axis=0)
            order = match_classes(softmax(others, axis=1), softmax(found[m], axis=1))
            self.matching = np.stack(
                [*self.matching[:m], order, *self.matching[m + 1 :]]
            )
        matched = self.matched(found)
        for _ in range(self.itr):
            r = softmax(self.log_joint(matched), axis=1)
            self.weights = np.maximum(r.mean(axis=0), np.finfo(float).tiny)
        log_p = logsumexp(self.log_joint(matched), axis=1)
        self.metrics = {"bound": float(log_p.mean())}
        progress()

    def log_joint(self, log_likelihoods) -> np.ndarray:
        """log p(c) prod_m p(x_m | c) K b(c), (n, K), but for p(x_m)."""
        total = np.log(self.weights) + log_likelihoods.sum(axis=0)
        return total + self.log_above(len(total))

    def send(self) -> None:
        found = self.log_likelihoods()
        matched = self.matched(found)
        log_joint = self.log_joint(matched)
        self.forward = Categorical(np.log(self.weights) + matched.sum(axis=0))
        self.responsibilities = softmax(log_joint, axis=1)
        for m, parent in enumerate(self.parents):
            if self.is_turn_of(m):
                message = np.empty_like(log_joint)
                message[:, self.matching[m]] = self.log_joint(without(m, matched))
                message -= np.log(parent.class_prior(message.shape[1]))
                self.send_backward(parent, Categorical(message))
        self.n_sent = self.n_sent + (self.mode == "learn")

    def is_turn_of(self, m: int) -> bool:
        """Whether module m receives a new message."""
        is_turn = self.n_sent == 0 or self.n_sent % len(self.parents) == m
        return is_turn or self.mode == "recog"

    def evidence(self) -> float:
        """log sum_c p(c) prod_m p(x_m | c), less what the modules below have of it.

        The term of module m has sum_k p(x_m, c_m = k) K b_mk, with the message b_m from
        here; and x_m counts as p(x_m | c) / p(x_m), which that module has, too.
        """
        total = logsumexp(self.log_joint(self.matched(self.log_likelihoods())), axis=1)
        for message, parent in zip(self.inputs(), self.parents, strict=True):
            total = total - message.log_overlap(self.sent_to(parent))
        return float(total.mean())

    def predict(self, value) -> dict:
        """The data expected of classes, (n,) int, by the name of each module below."""
        classes, n_classes = np.atleast_1d(value), len(self.weights)
        known = classes.dtype.kind in "iu" and np.isin(classes, range(n_classes)).all()
        rule = f"{self.name}: classes must be integers from 0 to {n_classes - 1}"
        require(known, rule, repr(value))
        pairs = zip(self.parents, self.matching, strict=True)
        return {parent.name: parent.predict(order[classes]) for parent, order in pairs}

    def write_results(self, folder: Path) -> None:
        """Writes the classes and their probabilities, as a `GMM` does."""
        write_text(folder / f"class_{self.mode}.txt", self.classes, "%d")
        write_text(folder / f"Pdz_{self.mode}.txt", self.responsibilities)
        if self.mode == "learn":
            save_module(self, folder)


def without(m: int, arrays: np.ndarray) -> np.ndarray:
    """Arrays, (M, n, K), without the one at m, if there is one."""
    return np.delete(arrays, m, axis=0) if m < len(arrays) else arrays


def match_classes(reference, probs) -> np.ndarray:
    """order, (K,): column order[k] of `probs`, (n, K), is column k of the reference.

    It maximises the expected number of examples whose classes agree, of all one-to-one
    matchings (the Hungarian algorithm).
    """
    return linear_sum_assignment(reference.T @ probs, maximize=True)[1]


TtoT = TailToTail  # Serket's name
