"""Output that may end before the command does: `| head -1`, a full disk."""

import os
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress


class LastingStream:
    """A text stream; what can no longer be written is lost without an error.

    Args:
        stream: the stream.
        note: is called once with the error, when the stream has ended.
    """

    def __init__(self, stream, note=lambda error: None):
        self.stream, self.note, self.has_ended = stream, note, False

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Writes the text, if the stream still takes it, escaped if need be."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        known = text.encode(encoding, "backslashreplace").decode(encoding)
        self._attempt(self.stream.write, known)
        return len(text)

    def flush(self) -> None:
        """Flushes the stream, if it still takes what was written."""
        self._attempt(self.stream.flush)

    def _attempt(self, write, *arguments):
        try:
            if not self.has_ended:
                write(*arguments)
        except OSError as error:
            self.has_ended = True
            with suppress(OSError):  # of a notebook's stream, which has no number
                discard_rest(self.stream.fileno())
            self.note(error)


def discard_rest(number: int) -> None:
    """What is still in the buffer of a file goes nowhere, at the end of the process."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, number)
    os.close(sink)


@contextmanager
def lasting_output():
    """In the block `print` raises no error where stdout or stderr has ended."""
    out, err = (
        each and LastingStream(each, note)
        for each, note in ((sys.stdout, note_end), (sys.stderr, lambda error: None))
    )
    with redirect_stdout(out), redirect_stderr(err):
        try:
            yield
        finally:
            for each in filter(None, (out, err)):
                each.flush()


def note_end(error: OSError) -> None:
    """Says on stderr that what follows is not shown."""
    reason = error.strerror or error
    print(f"No more output can be written ({reason}); going on.", file=sys.stderr)
