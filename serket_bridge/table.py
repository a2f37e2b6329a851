"""The rows of a message loop as text."""

COLUMNS = {  # metric -> (heading, format)
    "round": ("round", "5d"),
    "loss": ("loss", "9.2f"),
    "log_likelihood": ("log-lik.", "9.2f"),
    "kl": ("KL", "7.2f"),
    "elbo": ("ELBO", "9.2f"),
    "bound": ("bound", "8.3f"),
    "kappa": ("kappa", "7.3f"),
    "agreement": ("agreement", "9.3f"),
    "accuracy": ("accuracy", "8.3f"),
    "ari": ("ARI", "6.3f"),
    "nmi": ("NMI", "6.3f"),
    "seconds": ("seconds", "7.1f"),
}


def format_table(rows: list[dict], header: bool = True) -> str:
    """The rows of a `MessageLoop` as text, with the columns that any of them has.

    A column has the name of its module only where several modules have that metric.
    `None` is shown as "-".
    """
    known = {k for row in rows for k in row if k != "elbo" or row[k] is not None}
    columns = _columns(known)
    lines = [[heading for _, heading, _ in columns]] if header else []
    for row in rows:
        shown = [(form, row.get(key)) for key, _, form in columns]
        lines.append(["-" if v is None else format(v, form) for form, v in shown])
    widths = [max(len(head), len(format(0, form))) for _, head, form in columns]
    return "\n".join("  ".join(map(str.rjust, line, widths)) for line in lines)


def _columns(keys):
    """(key, heading, format) of the columns, in the order of `COLUMNS`."""
    # the seconds of a module are not shown
    metrics = {k: k if k.endswith(".seconds") else k.rpartition(".")[2] for k in keys}
    columns = []
    for metric, (heading, form) in COLUMNS.items():
        found = sorted(key for key in keys if metrics[key] == metric)
        for key in found:
            name = f"{key.rpartition('.')[0]} " if len(found) > 1 else ""
            columns.append((key, name + heading, form))
    return columns
