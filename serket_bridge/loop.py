"""The message loop: modules updated in turn, round after round."""

import time
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from models.evaluation.metrics import clustering_scores, matching_accuracy
from serket_bridge import saving
from serket_bridge.module import Module, positive
from serket_bridge.observation import Observation
from serket_bridge.progress import progress
from serket_bridge.table import table


class MessageLoop:
    """Updates modules in order, from the data up, for a number of rounds.

    Args:
        modules: a module comes after the modules it is connected to.

    Attributes:
        rows: one dict a round: `round`, what each module reports (of the VAE `loss`,
            `log_likelihood`, `kl`; of the GMM `bound`; nats per datum), `elbo`,
            `agreement` of the classes with the round before, `accuracy`, `ari` and
            `nmi` where labels are given, `seconds`, and `seconds_<module>`.

    `elbo` is the evidence lower bound of the whole model, p(x|z) p(z|c) p(c), in nats
    per datum: the mean over the data of

        E_q[log p(x|z)] - sum_k r_k KL(q(z|x) || N_k) + sum_k r_k log(pi_k b_k / r_k)

    with the classes' Gaussians N_k, full covariances, their weights pi_k, the message
    from above b_k, and r_k prop. to pi_k b_k exp(E_q log N_k(z)). Whatever message or
    KL weight the modules learn with, this says whether the loop helps.

    Raises ValueError: no modules, two of one name, or one before a module below it.
    """

    def __init__(self, modules):
        self.modules = list(modules)
        self.rows = []
        self._last_classes = None
        self._check()

    def _check(self):
        if not self.modules:
            raise ValueError("modules must hold at least one module. Received: none")
        seen = set()
        for module in self.modules:
            if not isinstance(module, Module):
                kind = type(module).__name__
                raise ValueError(
                    f"modules must be serket_bridge modules. Received: {kind}"
                )
            missing = [m.name for m in module.lowers if m not in seen]
            if missing:
                raise ValueError(
                    f"modules must be in order from the data up: {module.name} is "
                    f"connected to {', '.join(missing)}, which must come before it"
                )
            seen.add(module)
        names = [module.name for module in self.modules]
        if len(set(names)) < len(names):
            raise ValueError(f"modules must have names of their own. Received: {names}")

    def _check_labels(self, labels):
        data = self.modules[0].forward
        if labels is not None and data is not None and len(labels) != len(data):
            raise ValueError(
                f"labels must have one entry for each of the {len(data)} data. "
                f"Received: {len(labels)}"
            )

    @property
    def classes(self):
        """The classes of the topmost module that has some, (n,) int, or `None`."""
        found = [m.classes for m in self.modules if hasattr(m, "classes")]
        return found[-1] if found else None

    def __getitem__(self, name):
        """The module of this name."""
        for module in self.modules:
            if module.name == name:
                return module
        names = ", ".join(module.name for module in self.modules)
        raise KeyError(f"{name!r} is no module of this loop. It has: {names}")

    def run(self, rounds, labels=None, *, verbose=True, after_round=None, folder=None):
        """Runs up to `rounds` rounds, and stops when no class changes any more.

        A further call goes on where this one ended.

        Args:
            rounds: an integer >= 1.
            labels: (n,), for scoring only; no module sees them.
            verbose: a progress bar, and a row of the table for each round.
            after_round: a function of this loop, called after each round.
            folder: saves the loop there after each round, and `rounds` are the rounds
                in all: where this loop was begun in that folder before, and killed, it
                goes on from its last whole round as if it had never been killed. See
                `serket_bridge.load`.

        Returns the rows of these rounds.
        """
        positive("rounds", rounds)
        self._check_labels(labels)
        if folder is not None:
            rounds = self._go_on(Path(folder), rounds, verbose)
        before = len(self.rows)
        steps = max(rounds, 0) * sum(module.steps for module in self.modules)
        with progress(steps, verbose) as (bar, tick):
            for _ in range(rounds):
                self._round(bar, tick, labels)
                if folder is not None:
                    saving.save(self, Path(folder))
                if verbose:
                    bar.write(
                        table(self.rows[-1:], header=len(self.rows) == before + 1)
                    )
                if after_round is not None:
                    after_round(self)
                if self.converged:
                    break
        return self.rows[before:]

    def _go_on(self, folder, rounds, verbose):
        """Restores what was saved in the folder; how many of the rounds are left."""
        folder.mkdir(parents=True, exist_ok=True)
        saving.check(self)  # now, not after the first hour
        if (folder / "loop.json").exists():
            saving.restore(self, folder)
            if verbose:
                tqdm.write(f"going on after round {len(self.rows)} of {folder}")
        return 0 if self.converged else rounds - len(self.rows)

    @property
    def converged(self):
        """Whether no class changed in the last round."""
        return bool(self.rows) and self.rows[-1].get("agreement") == 1.0

    def recognize(self, data, rounds=2):
        """New data through the whole graph, with the parameters that were learned.

        This loop, its messages and its random state stay as they are.

        Args:
            data: (n, ...), or with several observations a dict by their names.
            rounds: how often messages go up and down; in the first, nothing has been
                said from above yet. Latents are means of q(z|x), not samples, so that
                the same data give the same answer.

        Returns a loop of the same modules for these data: `.classes`, and of each
        module, `loop["gmm"]`, what an update leaves, such as `responsibilities`.
        """
        positive("rounds", rounds)
        twins = {}
        for module in self.modules:
            twins[module] = twin = module.twin()
            if isinstance(module, Observation):
                twin.observe(data[module.name] if isinstance(data, dict) else data)
            else:
                twin.connect(*(twins[lower] for lower in module.lowers))
        for _ in range(rounds):
            for twin in twins.values():
                twin.advance()
        return MessageLoop(twins.values())

    def _round(self, bar, tick, labels):
        row = {"round": len(self.rows) + 1}
        for module in self.modules:
            bar.set_description(f"round {row['round']}, {module.name}")
            started = time.perf_counter()
            module.advance(tick)
            row[f"seconds_{module.name}"] = time.perf_counter() - started
            row |= module.report
        row["seconds"] = sum(
            s for name, s in row.items() if name.startswith("seconds_")
        )
        evidence = [module.evidence() for module in self.modules]
        if None not in evidence:
            row["elbo"] = sum(evidence)
        self.rows.append(row | self._scores(labels))

    def _scores(self, labels):
        """agreement with the last round, and the scores against labels."""
        classes, last = self.classes, self._last_classes
        if classes is None:
            return {}
        self._last_classes = np.array(classes)
        scores = {} if last is None else {"agreement": matching_accuracy(last, classes)}
        return scores if labels is None else scores | clustering_scores(labels, classes)
