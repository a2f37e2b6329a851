"""Saved loops and Serket's folders, opened again."""

from pathlib import Path

from serket_bridge.loop import MessageLoop
from serket_bridge.observation import Observation
from serket_bridge.saving import read_description, read_manifest, restore_loop
from serket_bridge.serialization import find_registered, from_json


def load(folder: str | Path, data=None) -> MessageLoop:
    """The loop that was saved in a folder, or whose modules were updated there.

    Args:
        folder: of `MessageLoop.run(..., folder=...)`, or of `serket_bridge.output_dir`.
        data: the observed data, (n, ...), or for several observations a dict by name;
            only needed to continue the training.

    Raises:
        ValueError: nothing was saved there, a file is damaged, or a class or function
            is not registered (`serket_bridge.register`).
    """
    rows, home = read_manifest(folder)
    paths = sorted(home.glob("*/module.json"))
    saved = {path.parent.name: read_description(path.parent) for path in paths}
    if not saved:
        raise ValueError(f"folder {folder}: no module was saved there")
    parents = {name: part["parents"] for name, part in saved.items()}
    modules = {}
    for name in sorted({*saved}.union(*parents.values())):  # from the data up
        modules[name] = make_module(saved.get(name), name, home, data)
        if parents.get(name):
            modules[name].connect(*(modules[parent] for parent in parents[name]))
    loop = MessageLoop(modules.values())
    if rows is not None and data is not None:
        restore_loop(loop, Path(folder))
    loop.rows = rows or []
    return loop


def make_module(saved: dict | None, name: str, home: Path, data):
    """A module with its parameters; saved: `None` for data, which are not saved."""
    name_of_data = name.partition("_")[2] if saved is None else saved["name"]
    kind = Observation if saved is None else find_registered(saved["kind"])
    if issubclass(kind, Observation):
        x = data[name_of_data] if isinstance(data, dict) else data
        return kind(x, name_of_data)
    settings = {key: from_json(value) for key, value in saved["config"].items()}
    module = kind.from_folder(home / name, settings | {"name": saved["name"]})
    module.fingerprint = saved["fingerprint"]
    return module
