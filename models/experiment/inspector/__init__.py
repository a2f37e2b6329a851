"""A page to look into the latent space of a run: click, draw, compare, move sliders.

    plane, space, decoder, state, colours, drawing   the mathematics; no UI library
    scatter, tiles, sliders, page                    what is seen, in Panel and Bokeh
    server                                           who may see it

Panel, because one object is the page in the browser and the output of a notebook's
cell, where it talks over Jupyter's own channel: Bokeh's server alone would need a port
that the browser can reach. All of its JavaScript lies on this machine.
"""


def view(run):
    """The page as an object that Jupyter displays; sliders need a live kernel.

    run: a folder or a tag of `python -m models.train`, or a `finished.Run`.
    Raises ValueError or OSError, with a sentence, where there is no such run.
    """
    import panel

    from models.experiment.finished import Run
    from models.experiment.inspector.page import Page
    from models.experiment.inspector.space import Space

    panel.extension(inline=True)  # the notebook carries the JavaScript itself
    return Page(Space(run if isinstance(run, Run) else Run(run))).layout
