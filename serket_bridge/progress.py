"""A progress bar, within which an interrupt by Ctrl-C cannot be lost."""

import signal
import sys
import threading
from contextlib import ExitStack, contextmanager

from tqdm.auto import tqdm


@contextmanager
def progress_bar(steps: int, shown: bool, description: str | None = None):
    """A bar of `steps` steps, and KeyboardInterrupt at Ctrl-C or at the next step.

    Compiled code may call Python back and drop the exception: TensorFlow loses about
    one KeyboardInterrupt in forty, and the training would continue for hours. A signal
    handler of the user's program stays in place, and so does every handler outside the
    main thread, where none can be set. The bar appears on a terminal and in a notebook
    only, because a pipe or a file would keep every state of it.

    Yields (bar, progress): tqdm's bar, and the function to call after every step.
    """
    is_interrupted = False

    def handle(*_):
        nonlocal is_interrupted
        is_interrupted = True
        raise KeyboardInterrupt

    def progress():
        if is_interrupted:
            raise KeyboardInterrupt
        bar.update()

    # disable=None shows a bar on a terminal, and in a notebook that has ipywidgets
    automatic = False if "ipykernel.zmqshell" in sys.modules else None
    look = {"disable": not shown or automatic, "leave": False, "unit": "step"}
    bar = tqdm(total=steps, desc=description, **look)
    default = signal.default_int_handler
    is_main = threading.current_thread() is threading.main_thread()
    with ExitStack() as stack:
        if is_main and signal.getsignal(signal.SIGINT) is default:
            signal.signal(signal.SIGINT, handle)
            stack.callback(signal.signal, signal.SIGINT, default)
        yield stack.enter_context(bar), progress
