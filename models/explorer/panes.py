"""Panes of HTML, boxes around them, and the style sheet of all."""

from functools import wraps
from pathlib import Path

import panel as pn
import param

STYLE = Path(__file__).with_name("style.css").read_text()


def styled(*names):
    """The arguments that give a component the style sheet, and these classes in it."""
    return {"stylesheets": [STYLE], "css_classes": list(names), "margin": 0}


class Html(pn.custom.JSComponent):
    """HTML. Panel's own pane would, in a notebook, ask a CDN for its style sheets."""

    object = param.String()

    _esm = """
    export function render({ model, el }) {
      const draw = () => { el.innerHTML = model.object; };
      model.on("object", draw);
      draw();
    }
    """


def html(name, content=""):
    """A pane of HTML."""
    return Html(object=content, sizing_mode="stretch_width", **styled(name))


def box(name, *parts):
    """Parts in a column, or as the style sheet has it."""
    return pn.Column(*parts, sizing_mode="stretch_width", **styled(name))


def at_once(action):
    """The method; what it changes reaches the browser in one message, half as late."""

    @wraps(action)
    def act(*args):
        with pn.io.hold():
            action(*args)

    return act
