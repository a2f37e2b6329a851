"""What a tab is looked at by: colour, round, label."""

import panel as pn

from models.explorer.panes import styled


def watched(widget, on_value):
    """The widget, which calls `on_value` whenever its value changes."""
    widget.param.watch(lambda event: on_value(event.new), "value")
    return widget


def choice(options, on_choice):
    """Buttons of which one is down; nothing where there is no choice."""
    options = list(options)
    buttons = pn.widgets.RadioButtonGroup(
        options=options, visible=len(options) > 1, **styled("control")
    )
    return watched(buttons, on_choice)


def rounds(numbers, on_round):
    """A slider for the rounds; it begins at the last."""
    ends = {"start": numbers[0], "end": max(numbers[-1], numbers[0] + 1)}
    slider = pn.widgets.IntSlider(
        name="Round", value=numbers[-1], **ends, width=190, **styled("control")
    )
    return watched(slider, on_round)


def labels(names, on_label):
    """The labels to decode with."""
    codes = {name: code for code, name in enumerate(names)}
    select = pn.widgets.Select(
        name="Decode with label", options=codes, width=150, **styled("control")
    )
    return watched(select, on_label)
