"""The message loop: modules updated in turn, round after round."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from models.checks import check_integer
from serket_bridge.checks import require
from serket_bridge.drawing import draw_graph
from serket_bridge.module import Module
from serket_bridge.observation import Observation
from serket_bridge.progress import progress_bar
from serket_bridge.saving import check_free, check_savable, restore_loop, save_loop
from serket_bridge.scores import clustering_scores, matching_accuracy
from serket_bridge.table import format_table


class MessageLoop:
    """Updates modules in order, from the data up, for a number of rounds.

    Args:
        modules: every module comes after the modules that it is connected to.

    Attributes:
        rows: one dict per round: `round`; the metrics of each module, with its name
            (`vae.loss`, `gmm.bound`, nats per example; `vae.seconds`); `elbo`;
            `agreement` of the classes with the last round's; with labels `accuracy`,
            `ari` and `nmi`; `seconds` in all.
        elbo_reason: why the last round's `elbo` is `None`, or `None`.

    `elbo` is the evidence lower bound of the whole model p(x|z) p(z|c) p(c), nats per
    example, whatever message or KL weight the modules train with. For a VAE and a
    mixture of N_k with weights pi_k it is the mean over the examples of

        E_q[log p(x|z)] - sum_k r_k KL(q(z|x) || N_k) + sum_k r_k log(pi_k b_k / r_k)

    with the backward message b_k to the mixture, and r_k prop. to pi_k b_k
    exp(E_q log N_k(z)). It is `None` where two modules model one variable, because the
    normaliser of the product of their densities is not known, or where the evidence of
    a module is not; `elbo_reason` says which.

    Raises:
        ValueError: no modules, two of one name, or one before a module that it needs.
    """

    def __init__(self, modules):
        self.modules, self.rows = list(modules), []
        self._last_classes, self.elbo_reason = None, None
        require(self.modules, "modules must hold at least one module", "none")
        for i, module in enumerate(self.modules):
            rule = "modules must be serket_bridge modules"
            require(isinstance(module, Module), rule, type(module).__name__)
            missing = [m.name for m in module.parents if m not in self.modules[:i]]
            rule = f"modules must be in order from the data up: {module.name} is "
            rule += f"connected to {', '.join(missing)}, which must come before it"
            require(not missing, rule)
        names = [module.name for module in self.modules]
        rule = "modules must have different names"
        require(len(set(names)) == len(names), rule, names)

    def __repr__(self):
        return f"MessageLoop({self.modules!r}, rounds={len(self.rows)})"

    @property
    def classes(self) -> np.ndarray | None:
        """The classes of the last module that has some, (n,) int, or `None`."""
        found = [m.classes for m in self.modules if hasattr(m, "classes")]
        return found[-1] if found else None

    def __getitem__(self, name: str) -> Module:
        """The module of this name."""
        modules = {module.name: module for module in self.modules}
        rule = f"{name!r} is not a module of this loop. Modules: {', '.join(modules)}"
        require(name in modules, rule, error=KeyError)
        return modules[name]

    def run(
        self,
        rounds: int,
        labels=None,
        *,
        verbose: bool = True,
        after_round: Callable | None = None,
        folder: str | Path | None = None,
    ) -> list[dict]:
        """Runs up to `rounds` further rounds, until no class changes any more.

        Args:
            rounds: an integer >= 1.
            labels: (n,), only for the scores; no module uses them.
            verbose: whether a progress bar and a row per round are printed.
            after_round: a function of this loop, called after each round.
            folder: the loop is saved there after each round, and `rounds` is the total
                number: a loop that was killed continues after its last complete round,
                to bit-identical results (`serket_bridge.load`).

        Returns:
            The rows of these rounds.

        Raises:
            ValueError: a wrong argument, or another loop is saved in the folder.
        """
        check_integer("rounds", rounds)
        data = self.modules[0].forward
        if labels is not None and data is not None:
            rule = f"labels must have one entry for each of the {len(data)} examples"
            require(len(labels) == len(data), rule, len(labels))
        if folder is not None:
            rounds = self._resume(Path(folder), rounds, verbose)
        before = len(self.rows)
        steps = max(rounds, 0) * sum(module.n_steps for module in self.modules)
        with progress_bar(steps, verbose) as (bar, progress):
            for _ in range(rounds):
                self._run_round(bar, progress, labels)
                if folder is not None:
                    save_loop(self, Path(folder))
                if verbose:
                    # a column that the first round has no value for
                    later = {} if self.classes is None else {"agreement": None}
                    is_first = len(self.rows) == before + 1
                    bar.write(format_table([later | self.rows[-1]], is_first))
                if after_round is not None:
                    after_round(self)
                if self.converged:
                    break
        return self.rows[before:]

    def _resume(self, folder, rounds, verbose):
        """Restores what was saved in the folder; returns how many rounds are left."""
        folder.mkdir(parents=True, exist_ok=True)
        check_savable(self)  # fails before the first round
        if (folder / "loop.json").exists():
            restore_loop(self, folder)
            if verbose:
                tqdm.write(f"continuing after round {len(self.rows)} of {folder}")
        check_free(self, folder, rounds)
        return 0 if self.converged else rounds - len(self.rows)

    @property
    def converged(self) -> bool:
        """Whether no class changed in the last round."""
        return bool(self.rows) and self.rows[-1].get("agreement") == 1.0

    def recognize(self, data, rounds: int = 2) -> "MessageLoop":
        """Passes new data through copies of the modules, which do not learn.

        Args:
            data: (n, ...), or for several observations a dict by name; one that is
                only an optional input, such as the target of an `NN`, can be missing.
            rounds: how many times messages are passed forward and backward. Latents are
                means of q(z|x), not samples, so results are reproducible.

        Returns:
            A loop of the copies, with their messages, `classes`, `responsibilities`.

        Raises:
            RuntimeError: a module has learned nothing yet.
        """
        check_integer("rounds", rounds)
        given = data if isinstance(data, dict) else {}
        used = [m for m in self.modules if m.name in given or not is_optional(m)]
        copies = {module: module.inference_copy() for module in used}
        for module, copied in copies.items():
            if isinstance(module, Observation):
                copied.observe(data[module.name] if isinstance(data, dict) else data)
            else:
                connections = module.connections.items()
                parents = {n: copies[p] for n, p in connections if p in copies}
                copied.connect(**parents)
        for _ in range(rounds):
            for copied in copies.values():
                copied.step()
        return MessageLoop(copies.values())

    def draw(self):
        """A `matplotlib` figure of the graph, with the messages on its edges."""
        return draw_graph(self.modules)

    def _run_round(self, bar, progress, labels):
        row = {"round": len(self.rows) + 1}
        for module in self.modules:
            bar.set_description(f"round {row['round']}, {module.name}")
            started = time.perf_counter()
            module.step(progress)
            metrics = {**module.metrics, "seconds": time.perf_counter() - started}
            row |= {f"{module.name}.{key}": value for key, value in metrics.items()}
        row["seconds"] = sum(row[f"{module.name}.seconds"] for module in self.modules)
        row["elbo"], self.elbo_reason = self._elbo()
        self.rows.append(row | self._scores(labels))

    def _elbo(self):
        """(the sum of the modules' evidence, None), or (None, the reason)."""
        for module in self.modules:
            above = module.modelled_by
            names = " and ".join(child.name for child in above)
            if not set(above) <= set(self.modules):
                return None, f"{names}, above {module.name}, is not in this loop"
            if len(above) > 1:
                reason = f"{names} are above {module.name}: the normaliser of the "
                return None, f"{reason}product of their densities is not known"
        terms = {module.name: module.evidence() for module in self.modules}
        unknown = [name for name, term in terms.items() if term is None]
        if unknown:
            return None, f"the evidence of {', '.join(unknown)} is not known"
        return sum(terms.values()), None

    def _scores(self, labels):
        """agreement with the last round, and the scores against labels."""
        classes, last = self.classes, self._last_classes
        if classes is None:
            return {}
        self._last_classes = np.array(classes)
        scores = {} if last is None else {"agreement": matching_accuracy(last, classes)}
        return scores if labels is None else scores | clustering_scores(labels, classes)


def is_optional(module: Module) -> bool:
    """Whether a module is an observation that recognition can do without."""
    uses = [
        name in child.optional_inputs
        for child in module.children
        for name, parent in child.connections.items()
        if parent is module
    ]
    return isinstance(module, Observation) and bool(uses) and all(uses)
