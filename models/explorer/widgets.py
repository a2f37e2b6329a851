"""What the page is made of: HTML, boxes, choices, sliders and thumbnails, in Panel."""

from functools import wraps
from pathlib import Path

import panel as pn
import param

STYLE = Path(__file__).with_name("style.css").read_text()


def style_arguments(*css_classes: str) -> dict:
    """The arguments that give a component the style sheet and these CSS classes."""
    return {"stylesheets": [STYLE], "css_classes": list(css_classes), "margin": 0}


def make_box(css_class: str, *parts) -> pn.Column:
    """Parts in a column, unless the style sheet changes it."""
    return pn.Column(*parts, sizing_mode="stretch_width", **style_arguments(css_class))


class HtmlPane(pn.custom.JSComponent):
    """HTML. In a notebook Panel's own pane would load style sheets from a CDN."""

    object = param.String()

    _esm = """
    export function render({ model, el }) {
      const draw = () => { el.innerHTML = model.object; };
      model.on("object", draw);
      draw();
    }
    """

    def __init__(self, css_class, content=""):
        style = style_arguments(css_class)
        super().__init__(object=content, sizing_mode="stretch_width", **style)


class Thumbnails(pn.custom.JSComponent):
    """Pictures to click, in a row that wraps; `items` is a list of `make_thumbnail`."""

    items = param.List()

    _esm = Path(__file__).with_name("thumbnails.js")

    def __init__(self, on_click):
        super().__init__(sizing_mode="stretch_width", **style_arguments("thumbnails"))
        self.on_msg(lambda event: on_click(event.data))


def make_thumbnail(picture: str, text, note: str, colour: str) -> dict:
    """A picture, as HTML, above a text with a dot of this colour, and a note."""
    return {"picture": picture, "text": str(text), "note": note, "colour": colour}


# --- Controls -------------------------------------------------------------------------


def on_change(widget, callback):
    """The widget, which calls `callback` with its value whenever that changes."""
    widget.param.watch(lambda event: callback(event.new), "value")
    return widget


def batched_update(method):
    """The method; its changes reach the browser in one message, in half the time."""

    @wraps(method)
    def update(*args):
        with pn.io.hold():
            method(*args)

    return update


def make_choice(options, callback):
    """Buttons of which one is active; hidden if there is only one."""
    options = list(options)
    visible, style = len(options) > 1, style_arguments("control")
    buttons = pn.widgets.RadioButtonGroup(options=options, visible=visible, **style)
    return on_change(buttons, callback)


def make_round_slider(numbers, callback):
    """A slider of the rounds that starts at the last; hidden if there is only one."""
    first, last, style = numbers[0], numbers[-1], style_arguments("control")
    ends = {"start": first, "end": max(last, first + 1), "visible": len(numbers) > 1}
    slider = pn.widgets.IntSlider(name="Round", value=last, width=190, **ends, **style)
    return on_change(slider, callback)


def make_label_select(names, callback):
    """A menu of the labels to decode with; hidden if there are none."""
    codes = {name: code for code, name in enumerate(names)}
    menu = {"options": codes, "visible": bool(codes), "width": 150}
    style = style_arguments("control")
    select = pn.widgets.Select(name="Decode with label", **menu, **style)
    return on_change(select, callback)


class FastSlider(pn.widgets.FloatSlider):
    """A slider that reports its value every 10 ms while it moves."""

    _debounce = 10


class LatentSliders:
    """One slider for each of some dimensions of z; `pane` is what is seen.

    `limits` is (low, high), each (latent_dim,); while a slider moves, `on_move` is
    called with its dimension and value.
    """

    def __init__(self, dimensions, limits, on_move):
        self.sliders = {d: self._make_slider(d, limits, on_move) for d in dimensions}
        self.pane = make_box("sliders", *self.sliders.values())

    def _make_slider(self, d, limits, on_move):
        low, high = (float(each[d]) for each in limits)
        style = {"sizing_mode": "stretch_width", **style_arguments("slider")}
        step = (high - low) / 600
        slider = FastSlider(start=low, end=high, step=step, format="0.00", **style)
        return on_change(slider, lambda value: on_move(d, value))

    def set_names(self, relevance, measure):
        """Names the dimensions, with their relevance, (latent_dim,), in brackets."""
        for d, slider in self.sliders.items():
            slider.name = f"z{d + 1} ({measure} {relevance[d]:.2f})"

    def set_values(self, z):
        """Moves all sliders to z, and extends those that are too short."""
        for d, slider in self.sliders.items():
            value = float(z[d])
            ends = {"start": min(slider.start, value), "end": max(slider.end, value)}
            slider.param.update(value=value, **ends)
