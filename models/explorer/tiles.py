"""A row of pictures to click on."""

from pathlib import Path

import panel as pn
import param

from models.explorer.panes import styled


class Tiles(pn.custom.JSComponent):
    """Pictures in a row that wraps; `tiles` is a list of what `tile` makes.

    on_click: called with the index of the one that was clicked.
    """

    tiles = param.List()

    _esm = Path(__file__).with_suffix(".js")

    def __init__(self, on_click):
        super().__init__(sizing_mode="stretch_width", **styled("tiles"))
        self.on_msg(lambda event: on_click(event.data))


def tile(picture, text, note, colour):
    """A picture, as HTML, over a line of text with a dot of this colour, and a note."""
    return {"picture": picture, "text": str(text), "note": note, "colour": colour}
