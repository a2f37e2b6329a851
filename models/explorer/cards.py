"""The cards beside and below the scatter: the classes, the datum, the drawing."""

from models.explorer import text
from models.explorer.panes import box, html
from models.explorer.sliders import Sliders
from models.explorer.state import shown_dimensions
from models.explorer.tiles import Tiles, tile


class ClassCard:
    """What each class mean decodes to; a click goes there."""

    def __init__(self, artist, on_class):
        self.artist, self.tiles = artist, Tiles(on_class)
        self.layout = box("card", html("title", text.CLASSES), self.tiles)

    def show(self, state, colourings):
        by_class, sizes = colourings["class"], state.class_sizes
        self.tiles.tiles = [
            tile(self.artist.draw(x_mean), k, f"{sizes[k]:,}", by_class.of(k))
            for k, x_mean in enumerate(state.class_means)
        ]


class DatumCard:
    """The chosen datum, what the model makes of it, and its neighbours."""

    def __init__(self, artist, on_choose):
        self.artist, self.near = artist, []
        self.words = html("datum", text.HELP)
        self.tiles = Tiles(lambda index: on_choose(self.near[index]))
        self.layout = box("card", self.words, self.tiles)

    def show(self, state, colourings):
        x, x_mean = state.x, state.reconstruction
        self.words.object = text.datum(
            state.datum,
            colourings,
            text.place(state.space.plane, state.point),
            self._pictures(x, x_mean),
        )
        self.near, distances = state.neighbours
        colouring = next(iter(colourings.values()))
        self.tiles.tiles = [
            tile(self.artist.draw(state.space.data.x[i]), *self._about(i, d, colouring))
            for i, d in zip(self.near, distances, strict=True)
        ]

    def _pictures(self, x, x_mean):
        caption, error = "reconstruction", text.error(x, x_mean)
        drawn = self.artist.draw(x, x_mean)
        if self.artist.is_image:
            yield text.figure(self.artist.draw(x), "datum")
        else:
            caption = "datum in grey, reconstruction in blue"
        yield text.figure(drawn, f"{caption}, {error}")

    def _about(self, datum, distance, colouring):
        name, colour = colouring.name_and_colour(datum)
        return name, text.number(distance), colour


class DrawingCard:
    """What z decodes to, and a slider for each of its dimensions."""

    def __init__(self, artist, space, kl, on_move):
        self.artist = artist
        shown = shown_dimensions(kl)
        self.picture = html("drawing")
        self.sliders = Sliders(shown, space.limits, on_move)
        note = html("note", text.sliders(shown, len(kl)))
        kind = "beside" if artist.is_image else "below"
        board = box(kind, self.picture, box("knobs", self.sliders.pane, note))
        self.layout = box("card", board)

    def show(self, state):
        place = text.place(state.space.plane, state.at)
        self.picture.object = text.drawing(
            state.source, place, self.artist.draw(state.drawn)
        )
