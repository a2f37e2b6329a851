"""The page: what is seen, and what follows from what a user does."""

from models.evaluation.metrics import matching_accuracy
from models.explorer import controls, text
from models.explorer.cards import ClassCard, DatumCard, DrawingCard
from models.explorer.colours import colourings
from models.explorer.panes import at_once, box, html
from models.explorer.scatter import Scatter
from models.explorer.state import State
from models.runs.run_labels import names_of


class Page:
    """One tab, or the output of one notebook cell; `layout` is what is seen.

    Args:
        space: the `Space`, which other tabs share.
    """

    def __init__(self, space):
        self.space, self.state = space, State(space)
        artist, kl = space.artist, self.state.latents.kl
        n_rows = len(space.data.x)
        self.scatter = Scatter(space.plane.names, space.extent, n_rows, self.click)
        self.classes = ClassCard(artist, self.to_class)
        self.datum = DatumCard(artist, self.choose)
        self.drawing = DrawingCard(artist, space, kl, self.move)
        self.legend = html("legend")
        self._find_colours()
        self.colour = controls.choice(self.colourings, lambda _: self.show_colours())
        self.round = controls.rounds(space.rounds, self.to_round)
        names = names_of(space.run) if space.is_conditional else ()
        self.label = controls.labels(names, self.with_label)
        self.layout = self._lay_out()
        self.show_round()

    def _lay_out(self):
        self.round.visible = len(self.space.rounds) > 1
        self.label.visible = self.space.is_conditional
        self.classes.layout.visible = self.state.has_classes
        bar = box("bar", self.colour, self.round, self.label)
        bar.visible = any(part.visible for part in bar)
        scatter = box("card", bar, self.legend, self.scatter.pane)
        left = box("left", scatter, self.classes.layout)
        right = box("right", self.datum.layout, self.drawing.layout)
        header = html("header", text.header(self.space.run, self.space.data))
        return box("page", header, box("board", left, right))

    # --- What a user does -------------------------------------------------------------

    @at_once
    def click(self, at, pixel):
        self.state.click(at, pixel)
        self.show_datum()

    @at_once
    def choose(self, datum):
        self.state.choose(datum)
        self.show_datum()

    @at_once
    def to_class(self, k):
        self.state.to_class(k)
        self.show_place()

    @at_once
    def move(self, dimension, value):
        if self.state.move(dimension, value):
            self.show_drawing()

    @at_once
    def to_round(self, number):
        self.state.to_round(number)
        self._find_colours()
        self.show_round()

    @at_once
    def with_label(self, label):
        if label != self.state.label:
            self.state.label = label
            self.show_datum()

    # --- What is seen then; each shows what depends on it too -------------------------

    def _find_colours(self):
        self.colourings = colourings(self.space.data, self.state.latents.classes)

    def show_round(self):
        self.drawing.sliders.name(self.state.latents.kl)
        self.show_colours()
        self.show_classes()
        self.show_datum()

    @at_once
    def show_colours(self):
        """The scatter and its legend."""
        colouring = self.colourings[self.colour.value]
        self.scatter.show(self.space.points[self.state.round], colouring)
        known = len(self.colourings) == 2
        pair = self.space.data.labels, self.state.latents.classes
        accuracy = matching_accuracy(*pair) if known else None
        self.legend.object = text.legend(colouring, accuracy)

    def show_classes(self):
        if self.state.has_classes:
            self.classes.show(self.state, self.colourings)

    def show_datum(self):
        """The chosen datum and its neighbours, and the place that is drawn."""
        if self.space.is_conditional:
            self.label.value = self.state.label
            self.show_classes()
        if self.state.datum is not None:
            self.datum.show(self.state, self.colourings)
            points = self.space.points[self.state.round]
            datum, neighbours = points[self.state.datum], points[self.datum.near]
            self.scatter.mark(neighbours=neighbours, datum=datum)
        self.show_place()

    def show_place(self):
        self.drawing.sliders.set(self.state.z)
        self.show_drawing()

    def show_drawing(self):
        self.scatter.mark(drawn=self.state.at)
        self.drawing.show(self.state)
