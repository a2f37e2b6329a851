"""Tables of text: encoding, separator, comments, lines of different lengths."""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from models.data.errors import DataError
from models.data.layout import find_layout
from models.data.numbers import COMMA, COMMA_THOUSANDS

SEPARATORS = ("\t", ";", ",", "|")
SAMPLE = 2**17  # characters that decide on separator, names and decimal commas
N_RECORDS = 50  # at most, of these
N_LINES = 5  # more than these characters hold
MAX_FIELD = 2**31 - 1  # characters; with a wrong separator a line is one field
CHUNK = 2**20  # bytes that are checked at a time
COMMENT_START = re.compile(rb"(?:^|[\r\n])[ \t]*#")
COMMENT = r"(?m)^[ \t]*#[^\r\n]*"


class Record(NamedTuple):
    """A record of a text.

    Attributes:
        index: among all records, the empty ones included, from 0 on.
        line: the number of its first line, from 1 on.
        fields: without outer spaces.
    """

    index: int
    line: int
    fields: list[str]


@dataclass(frozen=True)
class TextFile:
    """How the text of a table is stored.

    Attributes:
        path: of the file.
        encoding: a name of Python's.
        has_comments: whether lines that start with # are comments.
        separator: a character; a space stands for any white space.
        n_skipped: how many records are above the rows.
        has_comma: whether numbers have decimal commas.
    """

    path: Path
    encoding: str
    has_comments: bool = False
    separator: str = ","
    n_skipped: int = 0
    has_comma: bool = False

    def source(self):
        """What pandas reads: the path, or the text with empty lines for comments."""
        if not self.has_comments:
            return self.path
        return io.StringIO(blank(self.path.read_bytes().decode(self.encoding)))

    def records(self) -> Iterator[Record]:
        """The lines that are not empty."""
        with self.path.open(encoding=self.encoding, newline="") as file:
            lines = map(blank, file) if self.has_comments else file
            yield from split(lines, self.separator)

    def record(self, row: int) -> Record | None:
        """The record of a row of the table, from 0 on."""
        return next(itertools.islice(self.records(), self.n_skipped + row, None), None)


def blank(text: str) -> str:
    """A text with empty lines where there were comments."""
    return re.sub(COMMENT, "", text)


def split(lines, separator: str) -> Iterator[Record]:
    """The records of lines of text, without those that are empty."""
    csv.field_size_limit(max(MAX_FIELD, csv.field_size_limit()))
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    line = 1
    for index, fields in enumerate(reader):
        fields = [field.strip() for field in fields]
        if separator == " ":
            fields = list(filter(None, fields))
        if len(fields) > 1 or any(fields):
            yield Record(index, line, fields)
        line = reader.line_num + 1


def read_text(path: Path, label_name: str | None = None, known: tuple = ()):
    """(frame, names or `None`, notes, `TextFile`) of a table of text.

    The index of the pandas.DataFrame counts the records below the names.

    Args:
        path: of the file.
        label_name: a name that only a header can have.
        known: a `Column` for each column whose kind is known.
    """
    encoding, has_hash = _inspect(path)
    sample = _read_sample(path, encoding)
    has_comments = has_hash and _has_comments(sample)
    text = blank(sample) if has_comments else sample
    separator = _find_separator(text)
    records = _first_records(text, separator)
    layout = find_layout([record.fields for record in records], label_name)
    names, body = layout.names, records[layout.n_skipped :]
    if names is None and has_comments:
        names = _names_in_comment(sample, separator, body)
    n_fields, names, notes = _fit_names(path, names, body)
    notes += ["lines that start with # left out"] * has_comments
    notes += [f"read as {encoding}"] * (not encoding.startswith("utf-8"))
    has_comma = separator != "," and (
        any(column.decimal == "," for column in known)
        or any(_is_decimal_comma(field) for record in body for field in record.fields)
    )
    options = has_comments, separator, layout.n_skipped, has_comma
    file = TextFile(path, encoding, *options)
    is_text = {column.name for column in known if column.kind != "number"}
    kinds = {i: str for i, name in enumerate(names or ()) if name in is_text}
    return _parse(file, n_fields, kinds), names, (*layout.notes, *notes), file


def _inspect(path):
    """(the encoding of a file, whether a line may be a comment)."""
    with path.open("rb") as file:
        first = file.read(4096)
        if first.startswith(b"PK\x03\x04"):
            raise DataError(f"{path}: is an Excel file or archive; rename it to .xlsx.")
        if re.match(rb"\s*<(!doctype|html|\?xml)", first, re.IGNORECASE):
            raise DataError(
                f"{path}: is a page of the web, no table; download the table itself."
            )
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16", True
        if b"\0" in first:
            return "utf-16-le" if first[1:2] == b"\0" else "utf-16-be", True
        file.seek(0)
        decoder, has_hash = codecs.getincrementaldecoder("utf-8")(), False
        encoding = "utf-8-sig" if first.startswith(codecs.BOM_UTF8) else "utf-8"
        for chunk in iter(lambda: file.read(CHUNK), b""):
            has_hash = has_hash or b"#" in chunk and bool(COMMENT_START.search(chunk))
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return _single_byte(path.read_bytes()), True
    return encoding, has_hash


def _single_byte(content):
    """The encoding of text that is not UTF-8."""
    try:
        content.decode("windows-1252")
    except UnicodeDecodeError:  # it leaves five bytes out
        return "latin-1"
    return "windows-1252"


def _read_sample(path, encoding):
    """The first lines of a file, whole, however long they are."""
    with path.open(encoding=encoding, newline="") as file:
        return "".join([*file.readlines(SAMPLE), *itertools.islice(file, N_LINES)])


def _has_comments(sample):
    """Whether lines that start with # are comments, not all the rows of a table."""
    rows = [line for line in blank(sample).splitlines() if line.strip()]
    return len(rows) > 1 or bool(rows) and sample.lstrip().startswith("#")


def _first_records(text, separator):
    """The first records; the last one of a sample may end within a cell."""
    records = split(io.StringIO(text, newline=""), separator)
    records = list(itertools.islice(records, N_RECORDS))
    is_cut = 3 < len(records) < N_RECORDS and len(text) >= SAMPLE
    return records[:-1] if is_cut else records


def _find_separator(sample):
    """The separator that gives most lines one number of fields, two or more."""
    declared = re.match(r"sep=(.)[\r\n]", sample)
    if declared:
        return declared[1]

    def agreement(separator):
        records = _first_records(sample, separator)
        counts = Counter(len(record.fields) for record in records)
        number, n_lines = counts.most_common(1)[0] if counts else (1, 0)
        return (number > 1) * n_lines / (counts.total() or 1)

    best = max(SEPARATORS, key=agreement)
    if agreement(best) < 0.5 and agreement(" ") > 0.6:
        return " "
    return best if agreement(best) else ","


def _names_in_comment(sample, separator, body):
    """The names that numpy.savetxt writes into the last comment above the rows."""
    lines = [line.strip() for line in sample.splitlines() if line.strip()]
    above = itertools.takewhile(lambda line: line.startswith("#"), lines)
    found = list(split((line.lstrip("# ") for line in above), separator))[-1:]
    lengths = {len(record.fields) for record in body}
    names = [record.fields for record in found if {len(record.fields)} == lengths]
    return names[0] if names else None


def _fit_names(path, names, body):
    """(number of fields, as many names or `None`, notes); DataError if they differ."""
    lengths = [len(record.fields) for record in body]
    usual = Counter(lengths).most_common(1)[0][0] if body else len(names or ())
    notes = []
    if names and usual == len(names) + 1 and all(record.fields[-1] for record in body):
        names = ["", *names]  # R's write.table
        notes.append("the first column has no name")
    n_names = sum(map(bool, names or ()))
    expected = usual if names is None else len(names)
    for record in body:
        if any(record.fields[expected:]) or usual < n_names:
            raise _different(path, record, expected, n_names)
    short = [str(record.line) for record in body if len(record.fields) < usual]
    if short:
        notes.append(f"lines with fewer fields than others: {', '.join(short)}")
    n_fields = max([*lengths, expected])
    if names is not None:
        names = [*names, *[""] * (n_fields - len(names))]
    return n_fields, names, notes


def _different(path, record, expected, n_names=0):
    """The error for a line of another length."""
    header = f" as the header has {n_names} names," * bool(n_names)
    return DataError(
        f"{path}: expected {expected} fields in line {record.line},{header} saw "
        f"{len(record.fields)}; make all lines equally long."
    )


def _is_decimal_comma(field):
    return bool(re.fullmatch(COMMA, field)) and not re.fullmatch(COMMA_THOUSANDS, field)


def _parse(file, n_fields, kinds):
    import pandas

    first = file.record(0)
    if first is None:
        return pandas.DataFrame(columns=range(n_fields))
    try:
        return pandas.read_csv(
            file.source(),
            sep=r"\s+" if file.separator == " " else file.separator,
            header=None,
            names=range(n_fields),
            dtype=kinds,
            skiprows=first.index,
            skipinitialspace=True,
            encoding=file.encoding,
            decimal="," if file.has_comma else ".",
            low_memory=False,
        )
    except pandas.errors.ParserError as error:
        return _parse(file, _check_lengths(file, n_fields, error), kinds)


def _check_lengths(file, n_fields, error):
    """The number of fields of the longest line; DataError if the others lack some."""
    if "inside string" in str(error):
        line = list(file.records())[-1].line
        raise DataError(
            f"{file.path}: the quotation mark in line {line} is not closed; close or "
            "remove it."
        ) from error
    widest = n_fields
    for record in itertools.islice(file.records(), file.n_skipped, None):
        if any(record.fields[n_fields:]):
            raise _different(file.path, record, n_fields) from error
        widest = max(widest, len(record.fields))
    if widest == n_fields:
        raise DataError(f"{file.path}: {error}; save the table again.") from error
    return widest
