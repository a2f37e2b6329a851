"""Rows of a table as HTML: a bar for each column, with its name and its value."""

from dataclasses import dataclass
from html import escape

import numpy as np

from models.data.columns import Column
from models.plotting.style import GREY, PALETTE

MAX_ROWS = 30  # columns that are shown
BLUE = PALETTE[0]


@dataclass(frozen=True, eq=False)
class Bar:
    """How a column is drawn: the entries of x, and a scale from `low` to `high`.

    Bars begin at `origin`: at the mean of the data, or of categories at no probability.
    """

    column: Column
    entries: slice
    low: float
    high: float
    origin: float
    decimals: int

    def place(self, value: float) -> float:
        """The place on the scale, in percent."""
        share = (value - self.low) / (self.high - self.low or 1)
        return 100 * min(max(share, 0.0), 1.0)

    def position(self, entries: np.ndarray) -> float:
        """The value that the bar shows; of categories the largest probability."""
        if self.column.kind != "category":
            return float(entries[0])
        others = (1 - entries[0],) if len(entries) == 1 else ()
        return float(max([*entries, *others]))

    def write(self, entries: np.ndarray) -> str:
        """The value as text, in the user's units."""
        if self.column.kind == "number":
            value = round(float(entries[0]), self.decimals) + 0.0  # no minus before 0
            return f"{value:.{self.decimals}f}".replace("-", "\N{MINUS SIGN}")
        (cell,) = self.column.decode(entries[None])
        return str(cell)[:10] if self.column.kind == "date" else str(cell)


class TableRenderer:
    """Renders rows of a table; x, (n, d), has the data, as the model takes them."""

    is_image = False

    def __init__(self, x: np.ndarray, preprocessing):
        self.preprocessing = preprocessing
        values = preprocessing.inverse(x[:: max(1, len(x) // 1000)].astype(float))
        pairs = preprocessing.slices()
        self.bars = [make_bar(column, at, values) for column, at in pairs[:MAX_ROWS]]
        self.n_hidden = len(pairs) - len(self.bars)

    def render(self, x: np.ndarray) -> str:
        """Small bars without words, which are a tooltip."""
        values, lines, words = self._values(x), [], []
        height = 100 / len(self.bars)
        for k, bar in enumerate(self.bars):
            entries = values[bar.entries]
            words.append(f"{bar.column.name}: {bar.write(entries)}")
            origin, end = bar.place(bar.origin), bar.place(bar.position(entries))
            box = f"M{origin:.0f} {(k + 0.1) * height:.1f}H{end:.0f}v{0.8 * height:.1f}"
            lines.append(f"{box}H{origin:.0f}z")
        return (
            f'<svg viewBox="0 0 100 100" preserveAspectRatio="none"><title>'
            f"{escape(', '.join(words))}</title>"
            f'<path d="{"".join(lines)}" fill="{BLUE}" fill-opacity="0.7"/></svg>'
        )

    def render_rows(self, *examples: np.ndarray) -> str:
        """A line for each column: its name, and a bar and a value for each example.

        The first of two is grey.
        """
        colours = [GREY, BLUE][-len(examples) :]
        values = [self._values(x) for x in examples]
        lines = [self._line(bar, values, colours) for bar in self.bars]
        if self.n_hidden:
            lines.append(f"<p class='help'>and {self.n_hidden} more columns</p>")
        return f"<div class='bars'>{''.join(lines)}</div>"

    def _line(self, bar, values, colours):
        origin = bar.place(bar.origin)
        strips, words = [], []
        for row, colour in zip(values, colours, strict=True):
            entries = row[bar.entries]
            end = bar.place(bar.position(entries))
            left, width = min(origin, end), abs(end - origin)
            place = f"left:{left:.1f}%;width:{width:.1f}%"
            side = "low" if end < origin else "high"
            strips.append(f"<i class='{side}' style='{place};color:{colour}'></i>")
            words.append(
                f"<em style='color:{colour}'>{escape(bar.write(entries))}</em>"
            )
        name = escape(bar.column.name)
        return (
            f"<div><b title='{name}'>{name}</b>"
            f"<span style='--origin:{origin:.1f}%'>{''.join(strips)}</span>"
            f"{''.join(words)}</div>"
        )

    def _values(self, x):
        return self.preprocessing.inverse(np.nan_to_num(x).astype(float))


def make_bar(column: Column, entries: slice, values: np.ndarray) -> Bar:
    """The bar of a column; its scale has all but the rarest extremes of the data."""
    if column.kind == "category":
        return Bar(column, entries, 0.0, 1.0, 0.0, 0)
    numbers = values[:, entries.start]
    low, high = np.quantile(numbers, [0.002, 0.998]).tolist()
    digits = 1 - np.floor(np.log10(numbers.std() or 1))
    decimals = int(np.clip(digits, 0, 6))
    return Bar(column, entries, low, high, float(numbers.mean()), decimals)
