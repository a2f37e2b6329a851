"""What all figures have in common."""

from io import StringIO

import matplotlib
import pytest

from models.plotting.style import InlineFigure, add_dot_legend, style_axes


@pytest.mark.parametrize("text", ["$5_$10", "$a$ or $b$", r"\$5", "_9", "$7"])
def test_texts_of_the_user_are_drawn_as_they_are(text):
    """A label of two prices is no formula: as title, axis, tick and in a legend."""
    figure, file = InlineFigure(4, 3), StringIO()
    ax = style_axes(figure.subplots(), text, xlabel=text)
    ax.set_yticks([0, 1], [text, "other"])
    add_dot_legend(ax, text, {"red": text})
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(file, format="svg")
    assert file.getvalue().count(f">{text}</text>") == 5
