"""Columns of tables in figures: their types, which are shown, panels and axes.

A column is an array of numbers, of dates (datetime64) or of categories (text); an empty
cell is NaN, NaT or "". A table is a dict, name -> column.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

from models.plotting.style import DARK, InlineFigure, check_argument, style_axes

Columns = Mapping[str, np.ndarray]

MAX_COLUMNS = 20  # in a figure
MAX_ACROSS = 5  # panels in a row
MAX_NAME = 26  # letters of a name


def is_category(values: np.ndarray) -> bool:
    """Whether a column holds categories."""
    return values.dtype.kind == "U"


def is_filled(values: np.ndarray) -> np.ndarray:
    """Where a column has a value."""
    return values != "" if is_category(values) else ~np.isnan(to_numbers(values))


def category_names(*columns: np.ndarray) -> list[str]:
    """The distinct categories of columns, in order."""
    names = np.unique(np.concatenate([np.ravel(each) for each in columns]))
    return names[names != ""].tolist()


def to_numbers(values: np.ndarray, names: list[str] | None = None) -> np.ndarray:
    """A column as positions on an axis: floats, days, or places among `names`."""
    if is_category(values):
        places = np.searchsorted(names, values)
        return np.where(values == "", np.nan, places)
    return dates.date2num(values) if values.dtype.kind == "M" else values


def select_columns(
    columns: Columns, relevance: Mapping[str, float], what: str, most=MAX_COLUMNS
) -> tuple[dict[str, np.ndarray], str]:
    """The most relevant columns in their order, and which they are, for a title.

    `relevance` has a number for each column, and `what` is its name.
    """
    if len(columns) <= most:
        return dict(columns), ""
    ranked = sorted(columns, key=lambda name: -np.nan_to_num(relevance[name], nan=-1))
    chosen = {name: columns[name] for name in columns if name in {*ranked[:most]}}
    return chosen, f"\nthe {most} of {len(columns)} columns with the largest {what}"


def check_columns(argument: str, columns: Columns, shape: tuple | None = None) -> None:
    """Raises ValueError unless there are columns, all of one shape."""
    check_argument(columns, argument, "at least one column", dict(columns))
    shape = shape or np.shape(next(iter(columns.values())))
    for name, values in columns.items():
        here = f"{argument}[{name!r}]"
        check_argument(np.shape(values) == shape, here, f"shape {shape}", values.shape)


def short_name(name: str, most: int = MAX_NAME) -> str:
    """A name without its middle if it is long."""
    if len(name) > most:
        name = f"{name[: most - most // 3]}…{name[1 - most // 3 :]}"
    return name


def make_panels(
    names, title: str, width: float = 2.1, height: float = 2.0, across: int = MAX_ACROSS
) -> dict[str, Axes]:
    """A new figure: name -> an empty panel with that title."""
    rows = -(-len(names) // across)
    across = -(-len(names) // rows)
    figure = InlineFigure(width * across + 0.2, height * rows + 0.5)
    axes = figure.subplots(rows, across, squeeze=False).ravel()
    for ax in axes[len(names) :]:
        ax.remove()
    figure.suptitle(title, fontsize=11, color=DARK)
    panels = dict(zip(names, axes[: len(names)], strict=True))
    for name, ax in panels.items():
        style_axes(ax).set_title(short_name(name), fontsize=9, color=DARK)
        ax.tick_params(labelsize=7)
    return panels


def set_units(axis: Axis, values: np.ndarray, names: list[str] | None = None) -> None:
    """Gives an axis few ticks, in the units of a column or at its categories."""
    if is_category(values):
        axis.set_ticks(range(len(names)), [short_name(name, 12) for name in names])
        return
    axis.set_major_locator(MaxNLocator(4))
    if values.dtype.kind == "M":
        locator = dates.AutoDateLocator(minticks=2, maxticks=5)
        axis.set_major_locator(locator)
        axis.set_major_formatter(dates.ConciseDateFormatter(locator))
