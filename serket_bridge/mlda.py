"""Multimodal latent Dirichlet allocation as a module: counts in, categories out."""

import warnings
from pathlib import Path

import numpy as np

from models.checks import check_integer
from serket_bridge.checks import require
from serket_bridge.files import read_arrays, write_arrays, write_text
from serket_bridge.inference.lda_gibbs import CollapsedGibbs
from serket_bridge.inference.topics import (
    Topics,
    WordCounts,
    infer_proportions,
    log_likelihood_bound,
    proportions,
    scaled,
)
from serket_bridge.messages import Categorical, Counts
from serket_bridge.module import Module
from serket_bridge.observation import Observation
from serket_bridge.saving import save_module
from serket_bridge.scores import matching_accuracy
from serket_bridge.serialization import register

CONCENTRATIONS = ("doc_topic_prior", "topic_word_prior", "message_weight")


@register
class MLDA(Module):
    """Topics that several modalities share (Nakamura et al. 2009).

    theta_n ~ Dirichlet(alpha) are the proportions of the topics of object n; each token
    of modality m draws a topic of theta_n, then a word of phi_mk ~ Dirichlet(beta). The
    backward message b_n counts as S tokens of known topics, S b_nk of topic k:

        p(theta_n | b_n) prop. to Dirichlet(theta_n; alpha) prod_k theta_nk^(S b_nk)
                       = Dirichlet(theta_n; alpha + S b_n)

    Each parent is a modality: an `Observation` of counts, (n, V_m), or any module that
    sends `Categorical` messages, such as a `GMM` or another `MLDA`, whose probabilities
    count as fractions of tokens. A row of zeros is a modality that was not observed.

    It sends E[theta_n] forward, without the backward message, and to each parent m that
    uses it the expected words sum_k E[theta_nk] phi_mk given the *other* modalities and
    the backward message, so that no module receives what it has sent itself.

    Args:
        K: the number of topics.
        weights: the number of tokens of each object, one number for each modality:
            counts are scaled to this sum. `None` takes them as they are.
        itr: the number of sweeps, or of iterations, in one `update`.
        name, mode, seed, verbose: as for every module.
        category: labels (n,), only for the accuracy.
        doc_topic_prior: alpha, of the proportions of topics (as scikit-learn's).
        topic_word_prior: beta, of the words. Where there are many topics and few
            tokens, 0.1 separates them better than 1, Serket's value.
        message_weight: S. In Serket it is the number of the object's own tokens.
        inference: `CollapsedGibbs` (`serket_bridge.inference.lda_gibbs`) or
            `VariationalLDA` (`serket_bridge.inference.lda_variational`), or an
            instance, for which `itr` and `n_init` are not used.
        n_init: the number of starts in the first round; `None` is the inference's own.
        load_dir: a folder that `update` wrote: recognises with its parameters.

    Attributes:
        topics: the parameters, a `Topics`.
        topic_proportions: E[theta_n], given the backward message too, (n, K).
    """

    input_message, output_message = Counts | Categorical, Categorical
    max_parents = 1000
    parameter_file = "model.npz"
    saved_arguments = ("K", "weights", "itr", "inference", *CONCENTRATIONS)
    saved_state = ("forward", "inference_state", "topic_proportions")

    def __init__(
        self,
        K: int,
        weights=None,
        itr: int = 100,
        name: str = "mlda",
        category=None,
        mode: str = "learn",
        *,
        doc_topic_prior: float = 1.0,
        topic_word_prior: float = 1.0,
        message_weight: float = 10.0,
        inference=CollapsedGibbs,
        n_init: int | None = None,
        load_dir: str | Path | None = None,
        seed: int | None = None,
        verbose: bool = True,
        catogory=None,
    ):
        super().__init__(name, mode if load_dir is None else "recog", seed, verbose)
        if catogory is not None:
            warnings.warn("catogory: did you mean category? It is used.", stacklevel=2)
            category = catogory
        self.K, self.itr = check_integer("K", K), check_integer("itr", itr)
        self.doc_topic_prior = doc_topic_prior
        self.topic_word_prior = topic_word_prior
        self.message_weight = message_weight
        for argument in CONCENTRATIONS:
            value = getattr(self, argument)
            is_positive = np.isscalar(value) and 0 < value < np.inf
            require(is_positive, f"{argument} must be a number > 0", repr(value))
        self.weights = None if weights is None else np.ravel(weights).tolist()
        is_valid = all(0 < w < np.inf for w in self.weights or [])
        require(is_valid, "weights must be numbers > 0", weights)
        self.category = None if category is None else np.asarray(category)
        if isinstance(inference, type):
            inference = inference.from_iterations(self.itr, n_init)
        self.inference, self.inference_state, self.topics = inference, None, None
        if load_dir is not None:
            self.load_learned(load_dir)

    @property
    def classes(self) -> np.ndarray:
        """The topic of the largest proportion, (n,) int."""
        return self.topic_proportions.argmax(axis=1)

    @property
    def accuracy(self) -> float | None:
        """Of the classes, under the best matching with `category`."""
        known = self.category is not None
        return matching_accuracy(self.category, self.classes) if known else None

    def learn(self, progress) -> None:
        counts = self.inputs()
        model = counts, self.prior(len(counts)), self.topic_word_prior
        fit = self.inference(*model, self.inference_state, self.rng)
        self.topics, self.inference_state = fit.topics, fit.state
        self.metrics = {"bound": fit.bound}
        progress()

    def inputs(self) -> WordCounts:
        """The counts of all modalities, scaled to their weights."""
        messages = super().inputs()
        if self.category is not None:
            n = len(messages[0])
            rule = f"{self.name}: category must have {n} labels, one per object"
            require(len(self.category) == n, rule, len(self.category))
        return self._side_by_side(
            [m.prob if isinstance(m, Categorical) else m.mean for m in messages]
        )

    def _side_by_side(self, arrays):
        names = ", ".join(parent.name for parent in self.parents)
        if self.weights is not None:
            rule = f"{self.name}: weights must have one number for each of {names}"
            require(len(self.weights) == len(arrays), rule, self.weights)
            pairs = zip(arrays, self.weights, strict=True)
            arrays = [scaled(*pair) for pair in pairs]
        counts = WordCounts.from_arrays(arrays)
        if self.topics is not None:
            rule = f"{self.name} has learned {self.topics.sizes} words of {names}"
            require(counts.sizes == self.topics.sizes, rule, counts.sizes)
        return counts

    def prior(self, n: int) -> np.ndarray:
        """alpha + S b_n, (n, K); alpha before there is a backward message b_n."""
        prior = np.full((n, self.K), self.doc_topic_prior, np.float64)
        if self._backward:
            message = self.backward_message(Categorical.uniform(n, self.K))
            prior += self.message_weight * message.prob
        return prior

    def _infer(self, counts, prior):
        return infer_proportions(counts, self.topics.mean(), prior)

    def send(self) -> None:
        counts = self.inputs()
        prior = self.prior(len(counts))
        own = gamma = self._infer(counts, prior)
        if self._backward:
            own = self._infer(counts, np.full_like(prior, self.doc_topic_prior))
        self.forward = Categorical(np.log(proportions(own)))
        self.topic_proportions = proportions(gamma)
        for m, parent in enumerate(self.parents):
            if parent.uses_backward_message:
                others = proportions(self._infer(counts.without(m), prior))
                words = self.expected_words(others)[m]
                self.send_backward(parent, Categorical(np.log(words)))

    def expected_words(self, topic_proportions: np.ndarray) -> list[np.ndarray]:
        """sum_k theta_nk phi_mk, (n, V_m) for each modality, of theta, (n, K)."""
        return self.topics.split(topic_proportions @ self.topics.mean())

    def evidence(self) -> float | None:
        """A lower bound of log p(counts of an object | phi), of the tokens in order.

        `None` with `weights`, because scaled counts have no density; above another
        module, whose probabilities count as many tokens though it has one variable; and
        below another module, whose message of one variable counts as S tokens.
        """
        is_density = all(isinstance(parent, Observation) for parent in self.parents)
        if self.weights is not None or not is_density or self.children:
            return None
        counts, phi = self.inputs(), self.topics.mean()
        prior = self.prior(len(counts))
        gamma = infer_proportions(counts, phi, prior)
        return float(log_likelihood_bound(counts, phi, prior, gamma).mean())

    def predict(self, value) -> dict:
        """The data expected of each modality, by the name of its module.

        Args:
            value: classes, (n,) int; or proportions of the topics, (n, K); or a dict of
                known modalities, name -> counts, (n, V_m), of which the others are
                predicted.

        Returns:
            For an `Observation` the probabilities of its words, (n, V_m); for another
            module its `predict` of them, or of the most probable word, (n,) int.
        """
        known = value if isinstance(value, dict) else {}
        theta = self.infer(known) if known else self._as_proportions(value)
        predicted = {}
        modalities = zip(self.parents, self.expected_words(theta), strict=True)
        for parent, words in modalities:
            if parent.name not in known:
                best = words if parent.predicts_mean else words.argmax(axis=1)
                predicted[parent.name] = parent.predict(best)
        return predicted

    def infer(self, known: dict) -> np.ndarray:
        """E[theta_n], (n, K), of new objects; known: name -> counts, (n, V_m)."""
        sizes = {
            p.name: v for p, v in zip(self.parents, self.topics.sizes, strict=True)
        }
        rule = f"{self.name}: names of modalities must be among {', '.join(sizes)}"
        is_valid = known and known.keys() <= sizes.keys()
        require(is_valid, rule, ", ".join(map(str, known)))
        n = len(next(iter(known.values())))
        arrays = {name: np.zeros((n, size)) for name, size in sizes.items()}
        for name, values in known.items():
            shape, lowest = np.shape(values), np.min(values)
            rule = f"{self.name}: {name} must be counts >= 0 of the shape "
            rule += str((n, sizes[name]))
            is_valid = shape == (n, sizes[name]) and 0 <= lowest < np.inf
            require(is_valid, rule, f"{shape}, with a minimum of {lowest}")
            arrays[name] = values
        counts = self._side_by_side(list(arrays.values()))
        return proportions(
            self._infer(counts, np.full((n, self.K), self.doc_topic_prior))
        )

    def _as_proportions(self, value):
        value = np.atleast_1d(value)
        if value.ndim == 2:
            rule = f"{self.name}: proportions must have the shape (n, {self.K})"
            require(value.shape[1] == self.K, rule, value.shape)
            return value
        known = value.dtype.kind in "iu" and np.isin(value, range(self.K)).all()
        rule = f"{self.name}: classes must be integers from 0 to {self.K - 1}"
        require(known, rule, repr(value))
        return np.eye(self.K)[value]

    def inference_copy(self) -> "MLDA":
        copied = super().inference_copy()
        copied.category = None  # labels of other data
        return copied

    def write_results(self, folder: Path) -> None:
        """Writes Serket's files; Pmdw[m] has the words of modality m alone."""
        write_text(folder / f"Pdz_{self.mode}.txt", self.topic_proportions)
        for m, words in enumerate(self.expected_words(self.topic_proportions)):
            write_text(folder / f"Pmdw[{m}]_{self.mode}.txt", words)
        write_text(folder / f"categories_{self.mode}.txt", self.classes, "%d")
        if self.category is not None:
            write_text(folder / f"acc_{self.mode}.txt", self.accuracy, "%f")
        if self.mode == "learn":
            save_module(self, folder)

    def save_parameters(self, folder: Path) -> None:
        write_arrays(folder / self.parameter_file, vars(self.topics))

    def load_parameters(self, folder: Path) -> None:
        saved = read_arrays(folder / self.parameter_file)
        sizes = tuple(saved["sizes"].tolist())
        self.topics, self.learned = Topics(saved["concentrations"], sizes), True
