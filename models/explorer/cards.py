"""The cards beside and below the scatter plot: classes, example, decoded example."""

import numpy as np

from models.explorer import html_text as text
from models.explorer import widgets
from models.explorer.state import most_relevant
from models.explorer.widgets import HtmlPane, Thumbnails, make_box, make_thumbnail


class ClassCard:
    """The decoded mean of each class; a click on one moves there."""

    def __init__(self, renderer, on_class):
        self.renderer, self.thumbnails = renderer, Thumbnails(on_class)
        heading = HtmlPane("title", text.CLASS_HEADING)
        self.layout = make_box("card", heading, self.thumbnails)

    def show(self, state, colourings):
        """Shows the classes of the state's round."""
        by_class, latents = colourings["class"], state.latents
        sizes = np.bincount(latents.classes, minlength=len(latents.class_means))
        pictures = map(self.renderer.render, state.decode(latents.class_means))
        self.thumbnails.items = [
            make_thumbnail(picture, k, f"{sizes[k]:,}", by_class.colour_of(k))
            for k, picture in enumerate(pictures)
        ]


class ExampleCard:
    """The selected example, its reconstruction and its nearest neighbours."""

    def __init__(self, renderer, on_select):
        self.renderer, self.neighbours = renderer, []
        self.heading = HtmlPane("example", text.HELP)
        self.thumbnails = Thumbnails(lambda index: on_select(self.neighbours[index]))
        self.layout = make_box("card", self.heading, self.thumbnails)

    def show(self, state, colourings):
        """Shows the selected example of the state."""
        example, latents, data = state.example, state.latents, state.space.data
        position = text.format_position(state.space.plane, latents.z[example])
        (x_mean,) = state.decode(latents.z[[example]])
        figures = self._figures(data.x[example], x_mean)
        heading = text.format_example(example, colourings, position, figures)
        self.heading.object = heading
        self.neighbours, distances = latents.nearest(example)
        colouring = next(iter(colourings.values()))
        self.thumbnails.items = [
            self._thumbnail(data.x[i], distance, colouring, i)
            for i, distance in zip(self.neighbours, distances, strict=True)
        ]

    def _figures(self, x, x_mean):
        caption, error = "reconstruction", text.format_rmse(x, x_mean)
        picture = self.renderer.render(x, x_mean)
        if self.renderer.is_image:
            yield text.format_figure(self.renderer.render(x), "example")
        else:
            caption = "example in grey, reconstruction in blue"
        yield text.format_figure(picture, f"{caption}, {error}")

    def _thumbnail(self, x, distance, colouring, example):
        name, colour = colouring.describe_example(example)
        picture, distance = self.renderer.render(x), text.format_distance(distance)
        return make_thumbnail(picture, name, distance, colour)


class DecodedCard:
    """The decoded z, and a slider for each of its dimensions."""

    def __init__(self, space, latents, on_move):
        self.renderer, self.plane = space.renderer, space.plane
        shown = most_relevant(latents.relevance)
        self.picture = HtmlPane("decoded")
        self.sliders = widgets.LatentSliders(shown, space.limits, on_move)
        note = text.format_slider_note(
            len(shown), len(latents.relevance), latents.measure
        )
        controls = make_box("controls", self.sliders.pane, HtmlPane("note", note))
        arrangement = "beside" if self.renderer.is_image else "below"
        self.layout = make_box("card", make_box(arrangement, self.picture, controls))

    def show(self, state):
        """Shows the decoded z of the state."""
        position = text.format_position(self.plane, state.z)
        picture = self.renderer.render(state.decoded)
        figure = text.format_figure(picture, f"{state.source}<br>{position}")
        self.picture.object = f"<h2>Decoded</h2>{figure}"
