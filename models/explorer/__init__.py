"""The page of `models.explore`: look into the latent space of a run.

    space, state                       the mathematics, without a library of widgets
    colours, html_*                    arrays as colours, pictures and words
    widgets, scatter, cards, page      what is seen, in Panel and Bokeh
    server                             serves the page

Panel, because the same object is the page in a browser and the output of a notebook's
cell, where it communicates over Jupyter's own channel: a Bokeh server would need a port
that the browser can reach. All JavaScript is served from this machine.

This room may import data, runs, evaluation and plotting. Entry points: `show_run` in a
notebook, `server.serve_page` for the command.
"""


def show_run(run):
    """The page of a run as a Panel layout, which Jupyter displays while a kernel runs.

    Args:
        run: the folder or name of a run of `python -m models.train`, or a `SavedRun`.

    Raises:
        ValueError: if a file of the run is missing or damaged.
    """
    from models.runs.saved_run import SavedRun
    from models.suppress_output import suppress_backend_output

    opened = run if isinstance(run, SavedRun) else SavedRun(run)
    with suppress_backend_output():
        import panel

        from models.explorer.page import Page
        from models.explorer.space import LatentSpace

        space = LatentSpace(opened)
    panel.extension(inline=True)  # the notebook carries the JavaScript itself
    return Page(space).layout
