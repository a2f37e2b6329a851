"""The page: what is seen, and what follows from a user's actions."""

from panel.io import hold

from models.evaluation.metrics import matching_accuracy
from models.explorer import html_text as text
from models.explorer import widgets
from models.explorer.cards import ClassCard, DecodedCard, ExampleCard
from models.explorer.scatter import ScatterPlot
from models.explorer.state import ViewState
from models.explorer.widgets import HtmlPane, make_box


class Page:
    """One tab, or the output of one notebook cell; `layout` is what is seen.

    `click` and `select_example` are actions of the user, as those of `ViewState`.
    """

    def __init__(self, space):
        self.space, self.state = space, (state := ViewState(space))
        self.click = self._make_action(state.click, self.show_example)
        self.select_example = self._make_action(state.select_example, self.show_example)
        move_to_class = self._make_action(state.move_to_class, self.show_decoded)
        move_slider = self._make_action(state.move_slider, self.show_decoded)
        names, n_rows = space.plane.names, len(space.data.x)
        self.scatter = ScatterPlot(names, space.extent, n_rows, self.click)
        self.classes = ClassCard(space.renderer, move_to_class)
        self.example = ExampleCard(space.renderer, self.select_example)
        self.decoded = DecodedCard(space, state.latents, move_slider)
        self.legend = HtmlPane("legend")
        self.layout = self._make_layout()
        self.show_round()

    def _make_action(self, change, show):
        """Both, one after the other, unless nothing changes (`change` returns False).

        The browser receives one message, which takes half the time of several.
        """

        def act(*arguments):
            with hold():
                if change(*arguments) is not False:
                    show()

        return act

    def _make_layout(self):
        header = HtmlPane("header", text.format_header(self.space))
        scatter = make_box("card", self._make_bar(), self.legend, self.scatter.pane)
        left = make_box("left", scatter, self.classes.layout)
        right = make_box("right", self.example.layout, self.decoded.layout)
        return make_box("page", header, make_box("board", left, right))

    def _make_bar(self):
        """The controls above the scatter plot; hidden if none of them is needed."""
        space, state, action = self.space, self.state, self._make_action
        kinds = list(state.latents.colourings)
        colour = action(lambda kind: None, self.show_colours)
        self.colour = widgets.make_choice(kinds, colour)
        select_round = action(state.select_round, self.show_round)
        self.round = widgets.make_round_slider(space.rounds, select_round)
        labels = space.run.label_names if space.vae.is_conditional else ()
        select_label = action(state.select_label, self.show_example)
        self.label = widgets.make_label_select(labels, select_label)
        bar = make_box("bar", self.colour, self.round, self.label)
        bar.visible = any(part.visible for part in bar)
        return bar

    # --- Updates; each also updates what depends on it --------------------------------

    def show_round(self):
        """Shows everything."""
        self.show_colours()
        self.classes.show(self.state)
        self.show_example()

    def show_colours(self):
        """Shows the scatter plot and its legend."""
        latents, accuracy = self.state.latents, None
        colouring = latents.colourings[self.colour.value]
        self.scatter.show(self.space.points[self.state.round], colouring)
        if len(latents.colourings) == 2:
            accuracy = matching_accuracy(self.space.data.labels, latents.classes)
        self.legend.object = text.format_legend(colouring, accuracy)

    def show_example(self):
        """Shows the selected example and its neighbours, and z."""
        if self.space.vae.is_conditional:
            self.label.value = self.state.label
            self.classes.show(self.state)
        if self.state.example is not None:
            self.example.show(self.state)
            points = self.space.points[self.state.round]
            near, selected = points[self.example.neighbours], points[self.state.example]
            self.scatter.mark(neighbours=near, example=selected)
        self.show_decoded()

    def show_decoded(self):
        """Shows z in the sliders, and decodes it."""
        self.scatter.mark(decoded=self.state.point)
        self.decoded.show(self.state)
