"""The words and numbers of the page, as HTML."""

from html import escape

import numpy as np

from models.plotting.style import PALETTE

HELP = (
    "<h2>No example selected</h2><p class='help'>Click a <b>point</b> to see that "
    "example, its reconstruction and its nearest neighbours. Click an <b>empty "
    "place</b> to decode it. Scroll to zoom, drag to pan.</p>"
)
CLASS_HEADING = "<h2>Class means<small>click one to go there</small></h2>"


def format_header(space) -> str:
    """The name, variant and data of the run of a `LatentSpace`."""
    config, data, n = space.run.config, space.data, space.run.n_rounds
    dims, shape = config["latent_dim"], " × ".join(map(str, data.input_shape))
    facts = (
        f"{config['variant']}, {type(space.vae.likelihood).__name__} p(x|z)",
        f"{data.name}, {len(data.x):,} rows of {shape}",
        f"{dims} latent dimension{'s' * (dims != 1)}",
        f"{n} round{'s' * (n != 1)}" if n else "stopped in round 1",
    )
    items = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    title = f"<h1><span>Latent space of</span> {escape(space.title)}</h1>"
    return f"{title}<ul>{items}</ul>"


def format_legend(colouring, accuracy: float | None) -> str:
    """The meaning of the colours; the agreement of classes and labels if known."""
    colours = list(colouring.colours.values())
    names = list(map(colouring.name_of, colouring.colours))
    if len(names) > len(PALETTE):
        shades = ", ".join(colours[:: len(colours) // 8])
        bar = f"<s style='background: linear-gradient(to right, {shades})'></s>"
        chips = f"{escape(names[0])} {bar} {escape(names[-1])}"
    else:
        chips = "".join(map(format_chip, names, colours))
    score = "" if accuracy is None else f"<em>classes match labels {accuracy:.1%}</em>"
    return f"<p><em>{colouring.kind}</em>{chips}{score}</p>"


def format_chip(name: str, colour: str) -> str:
    """A dot of this colour, and its meaning."""
    return f"<span><i style='background: {colour}'></i>{escape(str(name))}</span>"


def format_example(state, figures: str) -> str:
    """The heading of the selected example, with its label and class, and figures."""
    example, latents = state.example, state.latents
    position = format_position(state.space.plane, latents.z[example])
    chips = "".join(
        format_chip(f"{kind} {name}", colour)
        for kind, each in latents.colourings.items()
        for name, colour in [each.describe_example(example)]
    )
    return (
        f"<h2>Example {example} {chips}<small>{position}</small></h2>"
        f"<div class='pair'>{figures}</div><h3>Nearest in latent space</h3>"
    )


def format_figure(picture: str, caption: str) -> str:
    """A picture above its caption."""
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def format_position(plane, z: np.ndarray) -> str:
    """The coordinates of z in the plane."""
    position = zip(plane.names, plane.project(z), strict=True)
    return ", ".join(f"{n.partition(' (')[0]} {value:.2f}" for n, value in position)


def format_distance(value: float) -> str:
    """Two decimals, or one significant digit of small values."""
    return f"{value:.2f}" if value >= 0.01 else f"{value:.1g}"


def format_slider_note(n_shown: int, latents) -> str:
    """Which dimensions have a slider, if not all, and what "sd" is."""
    notes, measure, latent_dim = [], latents.measure, len(latents.relevance)
    if n_shown < latent_dim:
        notes += [f"The {n_shown} of {latent_dim} dimensions with the largest"]
        notes += [f"{measure}; the others keep their values."]
    if measure == "sd":
        notes += ["sd: over the data, because q(z|x) or p(z) is not Gaussian."]
    return f"<p class='help'>{' '.join(notes)}</p>" if notes else ""
