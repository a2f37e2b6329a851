"""A progress bar, within which an interrupt by Ctrl-C cannot be lost."""

import signal
import threading
from contextlib import contextmanager

from tqdm.auto import tqdm


@contextmanager
def progress_bar(steps: int, shown: bool, description: str | None = None):
    """A bar of `steps` steps, and KeyboardInterrupt at Ctrl-C or at the next step.

    Compiled code may call Python back and drop the exception: TensorFlow loses about
    one KeyboardInterrupt in forty, and the training would continue for hours. A signal
    handler of the user's program stays in place, and so does every handler outside the
    main thread, where none can be set.

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

    look = {"leave": False, "unit": "step"}
    bar = tqdm(total=steps, desc=description, disable=not shown, **look)
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    is_ours = is_main and before is signal.default_int_handler
    if is_ours:
        signal.signal(signal.SIGINT, handle)
    try:
        with bar:
            yield bar, progress
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, before)
