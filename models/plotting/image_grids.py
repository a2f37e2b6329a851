"""Pictures of decoded paths: rows with heads, and the frames of a film.

Data are images or feature vectors, as in `pictures`, in whose style they are drawn.
"""

import numpy as np

from models.plotting.images import DARK, Plot, draw_cells, grey_limits

SIDE = 0.75  # inches that a cell is wide
LOW = 0.8  # the height of a vector's cell, if its width is 1


def strips(x_mean, row_names, column_names, title, limits=None):
    """Rows of data, (rows, columns, ...), with a name for each row and each column.

    limits: what black and white, or the foot and the head of a cell, stand for.
    """
    rows, columns = x_mean.shape[:2]
    figure = Plot(SIDE * columns + 0.9, SIDE * rows * _height(x_mean) + 0.7)
    _draw_strip(figure.subplots(), x_mean, row_names, column_names, limits)
    figure.suptitle(title, fontsize=11, color=DARK)
    return figure


def rows_of_each(x_mean, codes, names, most):
    """A row for each code, with the data that bear it: `most` rows of as many data.

    codes: (n,) int. names: what the codes are called.
    """
    drawn = [x_mean[codes == code][:most] for code in np.unique(codes)[:most]]
    grid = np.full((len(drawn), max(map(len, drawn)), *x_mean.shape[1:]), np.nan)
    for row, data in zip(grid, drawn, strict=True):
        row[: len(data)] = data
    names = [names[code] for code in np.unique(codes)]
    some = f", {most} of {len(names)} labels" if len(names) > most else ""
    heads, limits = [""] * grid.shape[1], grey_limits(x_mean)
    return strips(grid, names[:most], heads, f"Draws of each label{some}", limits)


def frame(x_mean, names, title, limits, columns=5):
    """Data side by side, (n, ...), each below its name: one moment of a film."""
    rows, columns = -(-len(x_mean) // columns), min(columns, len(x_mean))
    cells = np.full((rows * columns, *x_mean.shape[1:]), np.nan)
    cells[: len(x_mean)] = x_mean
    cells = cells.reshape(rows, 1, columns, *x_mean.shape[1:])
    names = [*names, *[""] * (rows * columns - len(names))]
    figure = Plot(1.2 * SIDE * columns, rows * (1.2 * SIDE * _height(cells[0]) + 0.3))
    figure.set_figheight(figure.get_figheight() + 0.3)  # of the title
    for row, ax in enumerate(figure.subplots(rows, squeeze=False).flat):
        heads = names[row * columns : (row + 1) * columns]
        _draw_strip(ax, cells[row], [""], heads, limits)
    figure.suptitle(title, fontsize=10, color=DARK)
    return figure


def _draw_strip(ax, x_mean, row_names, column_names, limits):
    rows, columns = x_mean.shape[:2]
    draw_cells(ax, x_mean, (0, columns - 1, 0, rows - 1), limits)
    ax.set_xticks(range(columns), column_names)
    ax.set_yticks(range(rows)[::-1], row_names)
    ax.xaxis.tick_top()
    ax.tick_params(length=0, pad=2, labelsize=8, labelcolor=DARK)
    ax.spines[:].set_visible(False)


def _height(x_mean):
    """How high a cell is if its width is 1; x_mean: (rows, columns, ...)."""
    return LOW if x_mean.ndim == 3 else x_mean.shape[2] / x_mean.shape[3]
