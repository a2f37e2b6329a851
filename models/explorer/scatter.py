"""The scatter plot: all data in the plane, and marks on what was clicked."""

import numpy as np
import panel as pn
from bokeh.events import DoubleTap, Tap
from bokeh.models import ColumnDataSource, LinearColorMapper
from bokeh.plotting import figure

from models.explorer.widgets import STYLE
from models.plotting.style import DARK

# name of a mark -> marker, size, width of the white line below it and of its line
MARKS = {
    "neighbours": ("circle", 11, 4, 1.5),
    "example": ("circle", 18, 5, 2.5),
    "decoded": ("cross", 15, 5, 2.5),
}
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
        # The more points, the smaller and fainter.
        size, alpha = (7, 0.85) if n < 3000 else (4, 0.7) if n < 20000 else (3, 0.5)
        style = {"fill_color": colour, "line_color": None, "fill_alpha": alpha}
        self.figure.scatter("x", "y", source=self.points, size=size, **style)
        self.marks = {name: self._add_mark(*look) for name, look in MARKS.items()}
        for event in (Tap, DoubleTap):  # two quick clicks are two clicks
            self.figure.on_event(event, self._handle_tap)
        self.pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_width")

    def _add_mark(self, marker, size, *widths):
        """On their own level, "overlay", marks are redrawn without the points."""
        source = ColumnDataSource({"x": [], "y": []})
        style = {"marker": marker, "size": size, "fill_color": None, "level": "overlay"}
        for width, colour in zip(widths, ("white", "#111111"), strict=True):
            line = {"line_width": width, "line_color": colour}
            self.figure.scatter("x", "y", source=source, **style, **line)
        return source

    def _handle_tap(self, event):
        figure = self.figure
        spans = [r.end - r.start for r in (figure.x_range, figure.y_range)]
        pixels = figure.inner_width, figure.inner_height
        self.on_click(np.array([event.x, event.y]), np.divide(spans, pixels))

    def show(self, points, colouring):
        """Shows points, (n, 2), in the colours of a `Colouring`."""
        palette = list(colouring.colours.values())
        self.colours.update(low=-0.5, high=len(palette) - 0.5, palette=palette)
        x, y = points.T
        self.points.data = {"x": x, "y": y, "colour": colouring.codes}

    def mark(self, **points):
        """Marks these points, each (2,) or (n, 2), instead of earlier ones so named."""
        for name, marked in points.items():
            x, y = np.reshape(marked, (-1, 2)).T
            self.marks[name].data = {"x": x, "y": y}


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
        tools="pan,wheel_zoom,box_zoom,reset",
        active_scroll="wheel_zoom",
    )
    corners = made.scatter(*extent, visible=False)
    for each in (made.x_range, made.y_range):
        each.update(renderers=[corners], range_padding=0)
    made.toolbar.logo = made.outline_line_color = None
    made.yaxis.visible = made.ygrid.visible = not is_strip
    made.grid.grid_line_color = "#eeeeee"
    light = {"axis_line_color": "#cccccc", "major_tick_line_color": "#cccccc"}
    label = {"axis_label_text_font_style": "normal", "axis_label_text_color": DARK}
    for axis in made.axis:
        axis.update(minor_tick_line_color=None, **light, **label)
    return made
