"""The rows of a message loop as text."""

COLUMNS = {  # name in a row of the table -> (heading, format)
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
