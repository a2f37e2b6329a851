"""What the page is made of: HTML, boxes, choices, sliders and thumbnails, in Panel."""

from pathlib import Path

import panel as pn
import param

STYLE = Path(__file__).with_name("style.css").read_text("utf-8")


def style_arguments(css_class: str) -> dict:
    """The arguments that give a component the style sheet and this CSS class."""
    return {"stylesheets": [STYLE], "css_classes": [css_class], "margin": 0}


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


def make_thumbnail(picture: str, note: str, text, colour: str) -> dict:
    """A picture, as HTML, above a text with a dot of this colour, and a note."""
    return {"picture": picture, "text": str(text), "note": note, "colour": colour}


# --- Controls: each calls `callback` with its value whenever that changes -------------


def make_choice(options, callback):
    """Buttons of which one is active; hidden if there is only one."""
    buttons = {"options": list(options), "visible": len(options) > 1}
    return _make_control(pn.widgets.RadioButtonGroup, callback, **buttons)


def make_round_slider(numbers, callback):
    """A slider of the rounds that starts at the last; hidden if there is only one."""
    first, last, visible = numbers[0], numbers[-1], len(numbers) > 1
    ends = {"start": first, "end": max(last, first + 1), "value": last}
    look = {"name": "Round", "width": 190, "visible": visible}
    return _make_control(pn.widgets.IntSlider, callback, **ends, **look)


def make_label_select(names, callback):
    """A menu of the labels to decode with; hidden if there are none."""
    codes = {name: code for code, name in enumerate(names)}
    look = {"name": "Decode with label", "width": 150, "visible": bool(codes)}
    return _make_control(pn.widgets.Select, callback, options=codes, **look)


class FastSlider(pn.widgets.FloatSlider):
    """A slider that reports its value every 10 ms while it moves."""

    _debounce = 10


def make_slider(low, high, callback):
    """A slider of one dimension of z."""
    ends = {"start": float(low), "end": float(high), "step": float(high - low) / 600}
    look = {"format": "0.00", "sizing_mode": "stretch_width"}
    return _make_control(FastSlider, callback, "slider", **ends, **look)


def _make_control(kind, callback, css_class="control", **arguments):
    widget = kind(**arguments, **style_arguments(css_class))
    widget.param.watch(lambda event: callback(event.new), "value")
    return widget
