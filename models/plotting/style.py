"""The style of all figures: colours, the figure class, axes and legends."""

from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import offset_copy

# Ten colours after Okabe and Ito, distinct for every colour vision, then their tints.
STRONG = (
    "#0072b2 #f0a30a #009e73 #d55e00 #d78fb8 #6cc5f0 #e8dc4a #3d3d3d #7a3e1d #5b3a8e"
).split()
PALETTE = STRONG + [to_hex(0.55 * np.array(to_rgb(c)) + 0.45) for c in STRONG]
GREY = "#8c8c8c"
DARK = "#333333"
LIGHT = "#bbbbbb"
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class InlineFigure(Figure):
    """A figure, sized in inches, that a notebook displays without `pyplot`."""

    def __init__(self, width: float, height: float):
        # Constrained layout that also closes the gaps around axes of fixed aspect.
        super().__init__(figsize=(width, height), layout="compressed")

    def draw(self, renderer):
        """`Figure.draw`, with texts as they are: "$5_$10" is a label, no formula."""
        for text in self.findobj(Text):
            text.set_parse_math(False)
        super().draw(renderer)

    def savefig(self, *args, bbox_inches="tight", **kwargs):
        """`Figure.savefig`, by default cropped to what is drawn."""
        super().savefig(*args, bbox_inches=bbox_inches, **kwargs)

    def _repr_png_(self):
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=150)
        return buffer.getvalue(), {"width": round(100 * self.get_figwidth())}


def latent_name(number: int | str) -> str:
    """The name of a latent, from 1 on: z₁."""
    return f"z{number}".translate(SUBSCRIPTS)


def check_argument(condition: bool, argument: str, expected: str, received) -> None:
    """Raises ValueError with the argument's name unless `condition` holds."""
    if not condition:
        raise ValueError(f"{argument}: expected {expected}, got {received}.")


def style_axes(ax: Axes, title: str = "", **settings) -> Axes:
    """Gives `ax` light spines, small ticks and these settings; returns it."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LIGHT)
    ax.tick_params(color=LIGHT, labelcolor=DARK, labelsize=8, length=3)
    ax.set_title(title, fontsize=10, color=DARK, y=1)
    ax.set(**settings)
    return ax


def add_dot_legend(ax: Axes, title: str, texts: dict[str, str]) -> None:
    """Adds a legend of dots, colour -> text, above `ax` and its title, row by row."""
    if not texts:
        return
    fitting = max(1, int(3.3 / (0.06 * max(map(len, texts.values())) + 0.3)))
    columns = -(-len(texts) // -(-len(texts) // fitting))
    dot = {"marker": "o", "linestyle": "", "markersize": 5}
    dots = [Line2D([], [], color=c, label=text, **dot) for c, text in texts.items()]
    above = offset_copy(ax.transAxes, ax.figure, y=22, units="points")
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "bbox_transform": above}
    spacing = {"handlelength": 1, "handletextpad": 0.2, "columnspacing": 1}
    by_row = [dot for first in range(columns) for dot in dots[first::columns]]
    size = {"fontsize": 8, "title_fontsize": 9, "frameon": False, "ncols": columns}
    ax.legend(handles=by_row, title=title, borderaxespad=0, **place, **spacing, **size)


def add_shared_legend(figure: Figure, place: str = "upper right") -> None:
    """Adds one legend outside all panels, with each label of them once."""
    handles = {}
    for ax in figure.axes:
        handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    if len(handles) > 1:
        look = {"ncols": len(handles), "frameon": False, "fontsize": 8}
        figure.legend(handles=[*handles.values()], loc=f"outside {place}", **look)
