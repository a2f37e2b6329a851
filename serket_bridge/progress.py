"""A progress bar, and Ctrl-C that cannot get lost."""

import signal
import threading
from contextlib import contextmanager

from tqdm.auto import tqdm


@contextmanager
def progress(steps, shown, description=None):
    """A bar of these many steps, shown or not, within which Ctrl-C cannot get lost.

    Yields (bar, tick), the bar of tqdm and the function to call after every step.
    """
    bar = tqdm(
        total=steps, desc=description, disable=not shown, leave=False, unit="step"
    )
    with bar, CtrlC() as ctrl_c:

        def tick():
            ctrl_c.check()
            bar.update()

        yield bar, tick


class CtrlC:
    """Within it Ctrl-C raises KeyboardInterrupt at once, and again at the next `check`.

    Compiled code may call Python back and drop what that raises: TensorFlow swallows
    about one KeyboardInterrupt in forty, and the training would go on for hours. A
    handler of the program's own is left in place, and so is every handler outside the
    main thread, where none can be set.
    """

    def __init__(self):
        self.pressed = False

    def __enter__(self):
        self.previous = signal.getsignal(signal.SIGINT)
        is_main = threading.current_thread() is threading.main_thread()
        self.set = is_main and self.previous is signal.default_int_handler
        if self.set:
            signal.signal(signal.SIGINT, self.press)
        return self

    def __exit__(self, *exception):
        if self.set:
            signal.signal(signal.SIGINT, self.previous)

    def press(self, *arguments):
        self.pressed = True
        raise KeyboardInterrupt

    def check(self):
        """Raises KeyboardInterrupt if Ctrl-C was pressed and the first one got lost."""
        if self.pressed:
            raise KeyboardInterrupt
