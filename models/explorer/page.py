"""The page: what is seen, and what follows from a user's actions."""

from models.evaluation.metrics import matching_accuracy
from models.explorer import html_text as text
from models.explorer import widgets
from models.explorer.cards import ClassCard, DecodedCard, ExampleCard
from models.explorer.colours import make_colourings
from models.explorer.scatter import ScatterPlot
from models.explorer.state import ViewState
from models.explorer.widgets import HtmlPane, batched_update, make_box


class Page:
    """One tab, or the output of one notebook cell; `layout` is what is seen."""

    def __init__(self, space):
        self.space, self.state = space, ViewState(space)
        names, n_rows = space.plane.names, len(space.data.x)
        self.scatter = ScatterPlot(names, space.extent, n_rows, self.click)
        self.classes = ClassCard(space.renderer, self.move_to_class)
        self.example = ExampleCard(space.renderer, self.select_example)
        self.decoded = DecodedCard(space, self.state.latents, self.move_slider)
        self.legend = HtmlPane("legend")
        self._update_colourings()
        labels = space.run.label_names if space.vae.is_conditional else ()
        kinds = list(self.colourings)
        self.colour = widgets.make_choice(kinds, lambda _: self.show_colours())
        self.round = widgets.make_round_slider(space.rounds, self.select_round)
        self.label = widgets.make_label_select(labels, self.select_label)
        self.layout = self._make_layout()
        self.show_round()

    def _make_layout(self):
        self.classes.layout.visible = self.state.latents.classes is not None
        bar = make_box("bar", self.colour, self.round, self.label)
        bar.visible = any(part.visible for part in bar)
        scatter = make_box("card", bar, self.legend, self.scatter.pane)
        left = make_box("left", scatter, self.classes.layout)
        right = make_box("right", self.example.layout, self.decoded.layout)
        header = HtmlPane("header", text.format_header(self.space.run, self.space.data))
        return make_box("page", header, make_box("board", left, right))

    def _update_colourings(self):
        classes = self.state.latents.classes
        self.colourings = make_colourings(self.space.data, classes)

    # --- Actions of the user ----------------------------------------------------------

    @batched_update
    def click(self, point, pixel):
        """A click on the scatter plot, see `ViewState.click`."""
        self.state.click(point, pixel)
        self.show_example()

    @batched_update
    def select_example(self, example):
        """A click on a neighbour."""
        self.state.select_example(example)
        self.show_example()

    @batched_update
    def move_to_class(self, k):
        """A click on a class mean."""
        self.state.move_to_class(k)
        self.show_z()

    @batched_update
    def move_slider(self, dimension, value):
        """A movement of a slider of z."""
        if self.state.move_slider(dimension, value):
            self.show_decoded()

    @batched_update
    def select_round(self, number):
        """Another round."""
        self.state.select_round(number)
        self._update_colourings()
        self.show_round()

    @batched_update
    def select_label(self, label):
        """Another label to decode with."""
        if label != self.state.label:
            self.state.label = label
            self.show_example()

    # --- Updates; each also updates what depends on it --------------------------------

    def show_round(self):
        """Shows everything."""
        latents = self.state.latents
        self.decoded.sliders.set_names(latents.relevance, latents.measure)
        self.show_colours()
        self.show_classes()
        self.show_example()

    @batched_update
    def show_colours(self):
        """Shows the scatter plot and its legend."""
        colouring = self.colourings[self.colour.value]
        self.scatter.show(self.space.points[self.state.round], colouring)
        accuracy = None
        if len(self.colourings) == 2:
            pair = self.space.data.labels, self.state.latents.classes
            accuracy = matching_accuracy(*pair)
        self.legend.object = text.format_legend(colouring, accuracy)

    def show_classes(self):
        """Shows the class means."""
        if self.classes.layout.visible:
            self.classes.show(self.state, self.colourings)

    def show_example(self):
        """Shows the selected example and its neighbours, and z."""
        if self.space.vae.is_conditional:
            self.label.value = self.state.label
            self.show_classes()
        if self.state.example is not None:
            self.example.show(self.state, self.colourings)
            points = self.space.points[self.state.round]
            near, selected = points[self.example.neighbours], points[self.state.example]
            self.scatter.mark(neighbours=near, example=selected)
        self.show_z()

    def show_z(self):
        """Shows z in the sliders, and decodes it."""
        self.decoded.sliders.set_values(self.state.z)
        self.show_decoded()

    def show_decoded(self):
        """Shows the decoded z."""
        self.scatter.mark(decoded=self.state.point)
        self.decoded.show(self.state)
