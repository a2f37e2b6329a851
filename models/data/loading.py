"""`load`: a data set by its name, or from a file or folder of the user."""

import difflib
import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.blocks.ondisk_array import Rows, from_memmap
from models.data import checks, features, files, tables
from models.data.builtin_datasets import NAMES, WITH_TEST_DATA, read_builtin
from models.data.dataset import Dataset
from models.data.errors import DataError, reading
from models.data.image_folders import open_images
from models.data.labels import NONE, encode_labels
from models.data.preprocessing import Preprocessing

HINTS = dict.fromkeys((".xls", ".ods"), "; save it as .xlsx or .csv")
HINTS |= dict.fromkeys((".zip", ".gz", ".rar", ".7z"), "; unpack it")
LIMIT = 2**30  # bytes; a larger .npy file stays on disk


class Request(NamedTuple):
    """The arguments of `load`, and the form and the path that `source` names."""

    source: str
    form: str
    path: Path | None
    label_name: str | None
    label_file: Path | None
    image_size: int | tuple[int, ...] | None
    split: str
    stream: bool
    image_shape: tuple[int, ...] | None
    columns: tuple[str, ...] | None
    drop: tuple[str, ...]
    resize: str
    stored: Preprocessing | None


class Stored(NamedTuple):
    """Data as they are stored.

    Attributes:
        rows: an array, or `Rows`.
        labels: codes (n,), or `None`; `label_names` are those of the codes.
        label_source: the column, key or file of the labels, or `None`.
        preprocessing: what reading them has decided, or `None`.
        notes: what was done to read them.
    """

    rows: np.ndarray | Rows
    labels: np.ndarray | None = None
    label_names: tuple[str, ...] | None = None
    label_source: str | None = None
    preprocessing: Preprocessing | None = None
    notes: tuple[str, ...] = ()


def load(
    source: str | Path,
    labels: str | Path | None = None,
    image_size: int | tuple[int, ...] | None = None,
    split: str = "train",
    stream: bool | None = None,
    image_shape: tuple[int, ...] | None = None,
    *,
    columns: tuple[str, ...] | None = None,
    drop: tuple[str, ...] = (),
    resize: str = "stretch",
    standardize: bool = True,
    preprocessing: Preprocessing | None = None,
) -> Dataset:
    """Reads the data that `source` names, as float32.

    Tables, and arrays (n, d), are standardised. Images of integers 0..255 (0..16 of the
    digits) are divided by the value of white.

    Args:
        source: digits, mnist, fashion_mnist or serket; or NAME:PATH, the same from a
            downloaded mnist.npz; or the path of an .npz, .npy, .csv, .tsv, .txt, .xlsx
            or .parquet file or of a folder of images.
        labels: the column of a table, or the key of an .npz, with the labels; or the
            path of a file with one label for each row; or "none". `None` is a column or
            key with a usual name, or the sub-folders of a folder of images.
        image_size: the side, or (height, width), to resize a folder of images to.
        split: "train", or "test" for the test images of MNIST and Fashion-MNIST.
        stream: whether an .npy file or a folder of images stays on disk and is read as
            it is needed; `None` leaves .npy files of more than a GiB there.
        image_shape: (height, width) or (height, width, channels) of images that are
            stored as rows of columns: (16, 16) for 256 columns.
        columns: the names of the features of a table; `None` is all that can be.
        drop: names of columns of a table that are no features.
        resize: how images become `image_size`: "stretch", "crop" or "pad".
        standardize: whether tables are.
        preprocessing: of the data that a model was trained on, instead of what is
            decided from these; `image_size` to `standardize` are then not used.

    Raises:
        DataError: the data are missing, damaged or not numbers that a network can learn
            from, or an argument does not fit them. The message says what to change.
    """
    form, path = _resolve_source(str(source))
    label_name, label_file = labels and str(labels), None
    if Path(labels or "").suffix.lower() in files.SUFFIXES:
        label_name, label_file = None, Path(os.path.expanduser(labels))
    if stream is None:
        stream = form == ".npy" and path.stat().st_size > LIMIT
    if preprocessing is not None:
        image_shape = (preprocessing.image or {}).get("image_shape")
    options = (image_size, split, bool(stream), image_shape, columns, drop, resize)
    where = str(source), form, path, label_name, label_file
    request = Request(*where, *options, preprocessing)
    _check_options(request)
    stored = _read(request)
    rows = checks.as_rows(stored.rows, image_shape, source)
    checks.check_labels(stored.labels, rows, label_file or source)
    fitted, notes = _preprocess(request, stored, rows, standardize)
    notes = (*stored.notes, *notes)
    name, kind = (form, form) if form in NAMES else (_name(path, form), "custom")
    fields = rows, stored.labels, stored.label_names, fitted, notes, bool(stream)
    return Dataset(name, kind, *fields)


def has_test_data(source: str) -> bool:
    """Whether `source` names data with a split "test". Raises DataError if missing."""
    return _resolve_source(source)[0] in WITH_TEST_DATA


def _resolve_source(source):
    """(a built-in name, "folder" or a suffix; the path to read or None)."""
    if source in NAMES:
        return source, None
    name, colon, rest = source.partition(":")
    is_builtin = colon and name in NAMES
    path = Path(os.path.expanduser(rest if is_builtin else source))
    if is_builtin and name == "digits":
        raise DataError(f"{source}: comes with scikit-learn; leave out the path.")
    if not (path.is_file() if is_builtin else path.exists()):
        near = not is_builtin and difflib.get_close_matches(name.lower(), NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "check the path."
        raise DataError(
            f"{source}: expected a file, a folder or one of {', '.join(NAMES)}, but "
            f"there is nothing of that name; {hint}"
        )
    if not (path.is_file() or path.is_dir()):
        raise DataError(f"{path}: is a pipe or a device; save the data as a file.")
    if is_builtin or path.name == "mnist.npz":
        return name if is_builtin else "mnist", path
    form = "folder" if path.is_dir() else path.suffix.lower()
    if form not in ("folder", *files.SUFFIXES):
        hint = HINTS.get(form, "")
        raise DataError(
            f"{path}: unknown kind of file {path.suffix!r}; expected a folder of "
            f"images or one of {', '.join(files.SUFFIXES)}{hint}."
        )
    return form, path


def _name(path, form):
    path = path.resolve()
    return path.name if form == "folder" else path.stem


def _check_options(request):
    """Raises DataError for an option that is not for data of this form."""
    source, form = request.source, request.form
    if form in (*NAMES, "folder", ".npy") and request.label_name not in (None, NONE):
        raise files.no_labels(request.label_name, source, [])
    if request.image_size is not None and form != "folder":
        raise DataError(f"--image-size is for a folder of images, not for {source}.")
    for name in ("columns", "drop"):
        if getattr(request, name) and form not in tables.SUFFIXES:
            raise DataError(f"--{name} is for tables with a header, not for {source}.")
    if request.stream and form not in ("folder", ".npy"):
        raise DataError(
            "--stream is for an .npy file or a folder of images; others are read into "
            f"memory. Received: {source}. Leave it out, or save the numbers as .npy."
        )
    if request.split == "test" and form not in WITH_TEST_DATA:
        raise DataError(
            f"{source}: has no test data; score the training data with --split train, "
            "or other data with --data, or train with --test-fraction 0.2."
        )


def _read(request) -> Stored:
    """The rows, and the labels of their own or of a file."""
    if request.form in NAMES:
        stored = Stored(*read_builtin(request.form, request.path, request.split))
    elif request.form == "folder":
        stored = _read_folder(request)
    elif request.form in tables.SUFFIXES:
        stored = _read_table(request)
    else:
        stored = _read_array(request)
    if request.label_file is not None:
        codes, names = files.read_labels(request.label_file)
        return stored._replace(
            labels=codes, label_names=names, label_source=request.label_file.name
        )
    if request.label_name == NONE:
        return stored._replace(labels=None, label_names=None, label_source=None)
    return stored


def _read_folder(request):
    image = request.stored.image if request.stored else None
    size, resize, mode = request.image_size, request.resize, None
    if image and "size" in image:
        size, resize, mode = image["size"], image["resize"], image["mode"]
    folder = open_images(request.path, size, resize, mode, decode=not request.stream)
    rows, codes, names, notes = folder
    image = {"size": list(rows.size), "resize": resize, "mode": rows.mode}
    decided = Preprocessing("images", white=rows.white, image=image)
    source = None if codes is None else "sub-folders"
    return Stored(rows, codes, names, source, decided, notes)


def _read_table(request):
    known = request.stored and request.stored.columns or ()
    table = tables.read(request.path, request.label_name, known)
    label = features.find_label(table, request.label_name)
    lists = [name for name in table.names if name != label]
    if len(lists) == 1 and table.first_list(lists[0]) is not None:
        values, decided, notes = table.lists(lists[0]), None, table.notes
        raw = None if label is None else table.labels(label)
    else:
        values, raw, decided, notes = _choose_columns(request, table)
        label = decided.labels
    if request.image_shape is not None:
        decided = None
        if (values == np.round(values)).all():
            values = values.astype(np.int64)
    codes, names = _encode_labels(request, raw)
    return Stored(values, codes, names, label, decided, notes)


def _choose_columns(request, table):
    stored, label_name = request.stored, request.label_name
    if stored is not None and stored.columns is not None:
        found = features.apply_columns(table, stored, label_name)
    else:
        is_array = request.image_shape is not None or stored is not None
        options = label_name, request.columns, request.drop, is_array
        found = features.choose_features(table, *options)
    return found.values, found.labels, found.preprocessing, found.notes


def _read_array(request):
    path = request.path
    if request.stream:
        with reading(path, "an .npy file of plain numbers"):
            rows = from_memmap(np.load(path, mmap_mode="r"))
        return Stored(rows)
    values, labels, key = files.read_arrays(path, request.label_name)
    return Stored(values, *_encode_labels(request, labels), key)


def _encode_labels(request, raw):
    """(codes, names) of labels, unless those of a file replace them."""
    return encode_labels(None if request.label_file else raw, request.path)


def _preprocess(request, stored, rows, standardize):
    """(the fitted preprocessing, notes) of the rows; DataError if they do not fit."""
    given, notes = request.stored, ()
    decided = given or stored.preprocessing
    if decided is None:
        decided = checks.decide(rows, request.form, request.image_shape)
    if given is None:
        is_standardized = standardize and decided.kind == "table"
        labels = stored.label_source
        decided = replace(decided, standardize=is_standardized, labels=labels)
    elif request.form == "folder" and given.white is not None:
        decided = replace(decided, white=rows.white)
    notes = checks.check_values(rows, decided, request.source)
    fitted = decided if given else decided.fit(rows)
    if given is not None:
        has_names = request.form in tables.SUFFIXES
        notes += checks.check_fits(rows, fitted, has_names, request.source)
    return fitted, notes
