"""The scatter plot: all data in the plane, and marks on what was clicked."""

import numpy as np
import panel as pn
from bokeh.events import DoubleTap, Tap
from bokeh.models import ColumnDataSource, LinearColorMapper
from bokeh.plotting import figure

from models.explorer.widgets import STYLE
from models.plotting.style import DARK

TOOLS = {"tools": "pan,wheel_zoom,box_zoom,reset", "active_scroll": "wheel_zoom"}
BLACK = "#111111"
# name of a mark -> marker, size, width of its line
MARKS = {
    "neighbours": ("circle", 11, 1.5),
    "example": ("circle", 18, 2.5),
    "decoded": ("cross", 15, 2.5),
}
HALO = 2.5  # how much wider the white line below each mark is
MIN_WEBGL = 5000  # points from which on WebGL is faster


class ScatterPlot:
    """The figure of n points; many are drawn by WebGL, and arrays sent as bytes.

    `names` are those of the axes, two or, of a strip, one; `extent` is ((left, right),
    (bottom, top)); `on_click` takes a point and the size of a pixel there, each (2,).
    """

    def __init__(self, names, extent, n, on_click):
        self.on_click = on_click
        self.figure = make_figure(names, extent, n)
        self.points = ColumnDataSource({"x": [], "y": [], "colour": []})
        self.colours = LinearColorMapper(palette=[DARK])
        colour = {"field": "colour", "transform": self.colours}
        style = {"fill_color": colour, "line_color": None, **point_style(n)}
        self.figure.scatter("x", "y", source=self.points, **style)
        columns = dict.fromkeys(("x", "y", "marker", "size", "width", "halo"), ())
        self.marked, self.marks = {}, ColumnDataSource(columns)
        for column, colour in (("halo", "white"), ("width", BLACK)):
            self._add_marks(column, colour)
        for event in (Tap, DoubleTap):  # two quick clicks are two clicks
            self.figure.on_event(event, self._handle_tap)
        self.pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_width")

    def _add_marks(self, column, colour):
        """On their own level, "overlay", they are redrawn without the points."""
        style = {"line_width": column, "line_color": colour, "fill_color": None}
        columns = {"marker": "marker", "size": "size", "source": self.marks}
        self.figure.scatter("x", "y", level="overlay", **columns, **style)

    def _handle_tap(self, event):
        figure = self.figure
        spans = [r.end - r.start for r in (figure.x_range, figure.y_range)]
        pixels = figure.inner_width, figure.inner_height
        self.on_click(np.array([event.x, event.y]), np.divide(spans, pixels))

    def show(self, points, colouring):
        """Shows points, (n, 2), in the colours of a `Colouring`."""
        n = len(colouring.palette)
        self.colours.update(low=-0.5, high=n - 0.5, palette=colouring.palette)
        columns = {"x": points[:, 0], "y": points[:, 1], "colour": colouring.codes}
        self.points.data = columns

    def mark(self, **points):
        """Marks these points, each (2,) or (n, 2), instead of earlier ones so named."""
        self.marked |= points
        rows = [
            (x, y, *MARKS[name])
            for name, marked in self.marked.items()
            for x, y in np.reshape(marked, (-1, 2)).tolist()
        ]
        x, y, marker, size, width = zip(*rows, strict=True)
        halo = [each + HALO for each in width]
        columns = {"x": x, "y": y, "marker": marker, "size": size}
        self.marks.data = columns | {"width": width, "halo": halo}


def make_figure(names, extent, n):
    """A figure with light axes and the tools to zoom; arguments as `ScatterPlot`'s."""
    is_strip = len(names) == 1
    made = figure(
        output_backend="webgl" if n > MIN_WEBGL else "canvas",
        height=470,
        sizing_mode="stretch_width",
        match_aspect=not is_strip,
        stylesheets=[STYLE],
        x_axis_label=names[0],
        y_axis_label=None if is_strip else names[1],
        **TOOLS,
    )
    corners = made.scatter(*extent, visible=False)
    for each in (made.x_range, made.y_range):
        each.update(renderers=[corners], range_padding=0)
    made.toolbar.logo = None
    made.yaxis.visible = made.ygrid.visible = not is_strip
    made.outline_line_color = None
    made.grid.grid_line_color = "#eeeeee"
    light = {"axis_line_color": "#cccccc", "major_tick_line_color": "#cccccc"}
    label = {"axis_label_text_font_style": "normal", "axis_label_text_color": DARK}
    for axis in made.axis:
        axis.update(minor_tick_line_color=None, **light, **label)
    return made


def point_style(n):
    """The size and opacity of n points: the more, the smaller and fainter."""
    size, alpha = (7, 0.85) if n < 3000 else (4, 0.7) if n < 20000 else (3, 0.5)
    return {"size": size, "fill_alpha": alpha}
