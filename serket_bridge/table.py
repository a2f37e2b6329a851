"""The rows of a message loop as text."""

COLUMNS = {  # metric -> (heading, format)
    "round": ("round", "5d"),
    "loss": ("loss", "9.2f"),
    "log_likelihood": ("log-lik.", "9.2f"),
    "kl": ("KL", "7.2f"),
    "elbo": ("ELBO", "9.2f"),
    "bound": ("bound", "8.3f"),
    "agreement": ("agreement", "9.3f"),
    "accuracy": ("accuracy", "8.3f"),
    "ari": ("ARI", "6.3f"),
    "nmi": ("NMI", "6.3f"),
    "seconds": ("seconds", "7.1f"),
}


def format_table(rows: list[dict], header: bool = True) -> str:
    """The rows as text, with the columns that any of them has.

    A column has the name of its module only where several modules have that metric.

    Args:
        rows: those of a `MessageLoop`.
        header: whether the first line has the headings.
    """
    columns = _columns({key for row in rows for key in row})
    lines = []
    if header:
        lines.append("  ".join(head.rjust(width) for _, head, width, _ in columns))
    for row in rows:
        cells = (
            format(row[key], form).rjust(width) if key in row else "-".rjust(width)
            for key, _, width, form in columns
        )
        lines.append("  ".join(cells))
    return "\n".join(lines)


def _columns(keys):
    """(key, heading, width, format) of the columns, in the order of `COLUMNS`."""
    columns = []
    for metric, (heading, form) in COLUMNS.items():
        found = sorted(key for key in keys if _metric(key) == metric)
        if metric == "agreement" and any(_metric(key) == "bound" for key in keys):
            found = [metric]  # which the first round does not have yet
        for key in found:
            name = f"{key.rpartition('.')[0]} " if len(found) > 1 else ""
            width = int(form[:-1].split(".")[0])
            columns.append((key, name + heading, max(width, len(name + heading)), form))
    return columns


def _metric(key):
    """What a key of a row counts as; the seconds of a module are not shown."""
    return key if key.endswith(".seconds") else key.rpartition(".")[2]
