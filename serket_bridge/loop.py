"""The message loop: modules updated in turn, round after round."""

import time

import numpy as np
from tqdm.auto import tqdm

from models.experiment.metrics import clustering_scores, matching_accuracy
from serket_bridge.interrupt import CtrlC
from serket_bridge.module import Module

COLUMNS = {  # name in a row of the table -> (heading, format)
    "round": ("round", "5d"),
    "loss": ("loss", "9.2f"),
    "log_likelihood": ("log-lik.", "9.2f"),
    "kl": ("KL", "7.2f"),
    "bound": ("bound", "8.3f"),
    "agreement": ("agreement", "9.3f"),
    "accuracy": ("accuracy", "8.3f"),
    "ari": ("ARI", "6.3f"),
    "nmi": ("NMI", "6.3f"),
    "seconds": ("seconds", "7.1f"),
}


class MessageLoop:
    """Updates modules in order, from the data up, for a number of rounds.

    Args:
        modules: a module comes after the modules it is connected to.

    Attributes:
        rows: one dict a round: `round`, what each module reports (of the VAE `loss`,
            `log_likelihood`, `kl`; of the GMM `bound`; nats per datum), `agreement` of
            the classes with the round before, `accuracy`, `ari` and `nmi` where labels
            are given, `seconds`, and `seconds_<module>` for each module.

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

    @property
    def classes(self):
        """The classes of the topmost module that has some, (n,) int, or `None`."""
        found = [m.classes for m in self.modules if hasattr(m, "classes")]
        return found[-1] if found else None

    def run(self, rounds, labels=None, *, verbose=True, after_round=None):
        """Runs up to `rounds` rounds, and stops when no class changes any more.

        A further call goes on where this one ended.

        Args:
            rounds: an integer >= 1.
            labels: (n,), for scoring only; no module sees them.
            verbose: a progress bar, and a row of the table for each round.
            after_round: a function of this loop, called after each round.

        Returns the rows of these rounds.
        """
        if not isinstance(rounds, int) or rounds < 1:
            raise ValueError(f"rounds must be an integer >= 1. Received: {rounds!r}")
        data = self.modules[0].forward
        if labels is not None and data is not None and len(labels) != len(data):
            raise ValueError(
                f"labels must have one entry for each of the {len(data)} data. "
                f"Received: {len(labels)}"
            )
        before = len(self.rows)
        steps = rounds * sum(module.steps for module in self.modules)
        progress = tqdm(total=steps, disable=not verbose, leave=False, unit="step")
        with progress as bar, CtrlC() as ctrl_c:

            def tick():
                ctrl_c.check()
                bar.update()

            for _ in range(rounds):
                self._round(bar, tick, labels)
                if verbose:
                    bar.write(
                        table(self.rows[-1:], header=len(self.rows) == before + 1)
                    )
                if after_round is not None:
                    after_round(self)
                if self.rows[-1].get("agreement") == 1.0:
                    break
        return self.rows[before:]

    def _round(self, bar, tick, labels):
        row = {"round": len(self.rows) + 1}
        for module in self.modules:
            bar.set_description(f"round {row['round']}, {module.name}")
            started = time.perf_counter()
            module.update(tick=tick)
            row[f"seconds_{module.name}"] = time.perf_counter() - started
            row |= module.report
        row["seconds"] = sum(
            s for name, s in row.items() if name.startswith("seconds_")
        )
        self.rows.append(row | self._scores(labels))

    def _scores(self, labels):
        """agreement with the last round, and the scores against labels."""
        classes, last = self.classes, self._last_classes
        if classes is None:
            return {}
        self._last_classes = np.array(classes)
        scores = {} if last is None else {"agreement": matching_accuracy(last, classes)}
        return scores if labels is None else scores | clustering_scores(labels, classes)


def table(rows, header=True):
    """The rows as text, for the columns that any of them has."""
    columns = {name: c for name, c in COLUMNS.items() if any(name in r for r in rows)}
    columns |= {"agreement": COLUMNS["agreement"]} if "bound" in columns else {}
    columns = {name: c for name, c in COLUMNS.items() if name in columns}
    lines = []
    if header:
        lines.append("  ".join(h.rjust(width(f)) for h, f in columns.values()))
    for row in rows:
        cells = (
            format(row[name], f) if name in row else "-".rjust(width(f))
            for name, (_, f) in columns.items()
        )
        lines.append("  ".join(cells))
    return "\n".join(lines)


def width(form):
    """How many characters a format such as "9.2f" or "5d" fills."""
    return int(form[:-1].split(".")[0])
