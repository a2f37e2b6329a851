"""A page to look into the latent space of a run: click, draw, compare, move sliders.

    plane, space, decoder, state       the mathematics, without a library of widgets
    colours, drawing, text             arrays as colours, pictures and words
    scatter, tiles, sliders, controls, panes, cards, page
                                       what is seen, in Panel and Bokeh
    server                             who may see it

Panel, because one object is the page in the browser and the output of a notebook's
cell, where it talks over Jupyter's own channel: Bokeh's server alone would need a port
that the browser can reach. All of its JavaScript lies on this machine.
"""


def view(run):
    """The page as an object that Jupyter displays; sliders need a live kernel.

    run: a folder or a tag of `python -m models.train`, or a `finished.Run`.
    Raises ValueError or OSError, with a sentence, where there is no such run.
    """
    from models.runs.saved_run import Run
    from models.suppress_output import suppress_backend_output

    found = run if isinstance(run, Run) else Run(run)
    with suppress_backend_output():
        import panel

        from models.explorer.page import Page
        from models.explorer.space import Space

        space = Space(found)
    panel.extension(inline=True)  # the notebook carries the JavaScript itself
    return Page(space).layout
