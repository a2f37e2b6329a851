"""The words and numbers of the page, as HTML."""

from html import escape

import numpy as np

from models.plotting.images import PALETTE

HELP = (
    "<h2>Nothing chosen yet</h2><p class='help'>Click a <b>point</b> to see the datum, "
    "what the model makes of it, and what lies near it. Click an <b>empty place</b> to "
    "see what would be there. The wheel zooms, dragging pans.</p>"
)
CLASSES = "<h2>Class means<small>click one to go there</small></h2>"


def header(run, data):
    """The run's name, variant and data."""
    config, shape = run.config, " × ".join(map(str, data.input_shape))
    facts = (
        f"{config['variant']}, {config['likelihood']} p(x|z)",
        f"{data.name}, {len(data.x):,} rows of {shape}",
        counted(config["latent_dim"], "latent dimension"),
        counted(run.n_rounds, "round") if run.n_rounds else "stopped in round 1",
    )
    items = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    return f"<h1><span>Latent space of</span> {escape(title(run))}</h1><ul>{items}</ul>"


def title(run):
    return run.path.resolve().name


def counted(n, what):
    return f"{n} {what}{'s' * (n != 1)}"


def legend(colouring, accuracy):
    """What the colours stand for; and how well classes agree with labels, if known."""
    names, colours = colouring.names, colouring.palette
    if len(names) > len(PALETTE):
        shades = ", ".join(colours[:: len(colours) // 8])
        bar = f"<s style='background: linear-gradient(to right, {shades})'></s>"
        chips = f"{escape(names[0])} {bar} {escape(names[-1])}"
    else:
        chips = "".join(map(chip, names, colours))
    score = "" if accuracy is None else f"<em>classes match labels {accuracy:.1%}</em>"
    return f"<p><em>{colouring.kind}</em>{chips}{score}</p>"


def chip(name, colour):
    """A dot of this colour, and what it stands for."""
    return f"<span><i style='background: {colour}'></i>{escape(str(name))}</span>"


def datum(number, colourings, place, pictures):
    """The chosen datum. colourings: those of its label and class."""
    dots = "".join(
        chip(f"{kind} {name}", colour)
        for kind, each in colourings.items()
        for name, colour in [each.name_and_colour(number)]
    )
    return (
        f"<h2>Datum {number} {dots}<small>{place}</small></h2>"
        f"<div class='pair'>{''.join(pictures)}</div><h3>Nearest in latent space</h3>"
    )


def drawing(source, place, picture):
    """What the decoder makes of z, and where that came from."""
    return f"<h2>Decoded</h2>{figure(picture, f'{source}<br>{place}')}"


def figure(picture, caption):
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def place(plane, at):
    """The coordinates of a place in the plane."""
    names = (name.partition(" (")[0] for name in plane.names)
    return ", ".join(f"{n} {v:.2f}" for n, v in zip(names, at, strict=False))


def number(value):
    """Two decimals, or one digit of what is smaller."""
    return f"{value:.2f}" if value >= 0.01 else f"{value:.1g}"


def error(x, x_mean):
    """How far a reconstruction is from its datum."""
    return f"RMSE {np.sqrt(np.mean(np.square(x - x_mean))):.3f}"


def sliders(shown, latent_dim):
    """What the sliders are, if they are not all."""
    if len(shown) == latent_dim:
        return ""
    return (
        f"<p class='help'>The {len(shown)} of {latent_dim} dimensions with the largest "
        "KL; the others keep the values they came with.</p>"
    )
