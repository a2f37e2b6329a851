"""A progress bar, within which an interrupt by Ctrl-C cannot be lost."""

import signal
import threading
from contextlib import contextmanager

from tqdm.auto import tqdm


@contextmanager
def progress_bar(steps: int, shown: bool, description: str | None = None):
    """A bar of `steps` steps, within which an interrupt cannot be lost.

    Yields (bar, progress): tqdm's bar, and the function to call after every step.
    """
    bar = tqdm(
        total=steps, desc=description, disable=not shown, leave=False, unit="step"
    )
    with bar, Interrupt() as interrupt:

        def progress():
            interrupt.check()
            bar.update()

        yield bar, progress


class Interrupt:
    """Raises KeyboardInterrupt at Ctrl-C, and again at the next `check`.

    Compiled code may call Python back and drop the exception: TensorFlow loses about
    one KeyboardInterrupt in forty, and the training would continue for hours. A signal
    handler of the user's program stays in place, and so does every handler outside the
    main thread, where none can be set.
    """

    def __init__(self):
        self.received = False

    def __enter__(self):
        self.previous = signal.getsignal(signal.SIGINT)
        is_main = threading.current_thread() is threading.main_thread()
        self.is_set = is_main and self.previous is signal.default_int_handler
        if self.is_set:
            signal.signal(signal.SIGINT, self.handle)
        return self

    def __exit__(self, *exception):
        if self.is_set:
            signal.signal(signal.SIGINT, self.previous)

    def handle(self, *arguments):
        """The signal handler."""
        self.received = True
        raise KeyboardInterrupt

    def check(self):
        """Raises KeyboardInterrupt if Ctrl-C was pressed before."""
        if self.received:
            raise KeyboardInterrupt
