"""The cards beside and below the scatter plot: classes, example, decoded example."""

from functools import partial

import numpy as np

from models.explorer import html_text as text
from models.explorer.state import most_relevant
from models.explorer.widgets import (
    HtmlPane,
    Thumbnails,
    make_box,
    make_slider,
    make_thumbnail,
)
from models.plotting.style import GREY


class ClassCard:
    """The decoded mean of each class; a click on one moves there."""

    def __init__(self, renderer, on_class):
        self.renderer, self.thumbnails = renderer, Thumbnails(on_class)
        heading = HtmlPane("title", text.CLASS_HEADING)
        self.layout = make_box("card", heading, self.thumbnails)

    def show(self, state):
        """Shows the classes of the state's round; hidden if there are none."""
        latents = state.latents
        self.layout.visible = latents.classes is not None
        if self.layout.visible:
            sizes = np.bincount(latents.classes, minlength=len(latents.class_means))
            pictures = map(self.renderer.render, state.decode(latents.class_means))
            colours = latents.colourings["class"].colours
            self.thumbnails.items = [
                make_thumbnail(picture, f"{sizes[k]:,}", k, colours.get(k, GREY))
                for k, picture in enumerate(pictures)
            ]


class ExampleCard:
    """The selected example, its reconstruction and its nearest neighbours."""

    def __init__(self, renderer, on_select):
        self.renderer, self.neighbours = renderer, []
        self.heading = HtmlPane("example", text.HELP)
        self.thumbnails = Thumbnails(lambda index: on_select(self.neighbours[index]))
        self.layout = make_box("card", self.heading, self.thumbnails)

    def show(self, state):
        """Shows the selected example of the state."""
        example, latents, x = state.example, state.latents, state.space.data.x
        (x_mean,) = state.decode(latents.z[[example]])
        figures = self._figures(x[example], x_mean)
        self.heading.object = text.format_example(state, figures)
        self.neighbours, distances = latents.nearest(example)
        describe = next(iter(latents.colourings.values())).describe_example
        distances = map(text.format_distance, distances)
        self.thumbnails.items = [
            make_thumbnail(self.renderer.render(x[i]), distance, *describe(i))
            for i, distance in zip(self.neighbours, distances, strict=True)
        ]

    def _figures(self, x, x_mean):
        rmse = f"RMSE {np.sqrt(np.mean(np.square(x - x_mean))):.3f}"
        render, figure = self.renderer.render, text.format_figure
        if self.renderer.is_image:
            reconstruction = figure(render(x_mean), f"reconstruction, {rmse}")
            return figure(render(x), "example") + reconstruction
        unit = " sd" * self.renderer.preprocessing.standardize
        caption = f"example in grey, reconstruction in blue, {rmse}{unit}; bars begin "
        caption += "at the mean of the data, or show the probability of a category"
        return figure(self.renderer.render_rows(x, x_mean), caption)


class DecodedCard:
    """The decoded z, and a slider for each of its most relevant dimensions."""

    def __init__(self, space, latents, on_move):
        self.renderer, self.plane = space.renderer, space.plane
        self.picture, (low, high) = HtmlPane("decoded"), space.limits
        self.sliders = {
            d: make_slider(low[d], high[d], partial(on_move, d))
            for d in most_relevant(latents.relevance)
        }
        note = text.format_slider_note(len(self.sliders), latents)
        sliders = make_box("sliders", *self.sliders.values())
        controls = make_box("controls", sliders, HtmlPane("note", note))
        arrangement = "beside" if self.renderer.is_image else "below"
        self.layout = make_box("card", make_box(arrangement, self.picture, controls))

    def show(self, state):
        """Shows the decoded z of the state, and z in the sliders."""
        self._move_sliders(state.z, state.latents)
        caption = f"{state.source}<br>{text.format_position(self.plane, state.z)}"
        renderer = self.renderer
        draw = renderer.render if renderer.is_image else renderer.render_rows
        figure = text.format_figure(draw(state.decoded), caption)
        self.picture.object = f"<h2>Decoded</h2>{figure}"

    def _move_sliders(self, z, latents):
        """Moves all sliders to z, and extends those that are too short."""
        for d, slider in self.sliders.items():
            name = f"z{d + 1} ({latents.measure} {latents.relevance[d]:.2f})"
            value = float(z[d])
            if (slider.name, slider.value) != (name, value):  # an update takes long
                ends = min(slider.start, value), max(slider.end, value)
                slider.param.update(name=name, value=value, start=ends[0], end=ends[1])
