"""Saved loops and Serket's folders, opened again."""

from pathlib import Path

from serket_bridge.checks import require
from serket_bridge.files import reading
from serket_bridge.loop import MessageLoop
from serket_bridge.observation import Observation
from serket_bridge.saving import read_descriptions, read_manifest, restore_loop
from serket_bridge.serialization import OLD_NAMES, find_registered, from_json


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
    saved = read_descriptions(home)
    require(saved, f"folder {folder}: no module was saved there")
    modules = {}
    for name in sorted({*saved}.union(*(part["parents"] for part in saved.values()))):
        unsaved = {"kind": OLD_NAMES["Observation"], "name": name.partition("_")[2]}
        part = {"parents": ()} | saved.get(name, unsaved)  # `update` saves no data
        modules[name] = make_module(part, home / name, data)
        if part["parents"]:
            parents = [modules[parent] for parent in part["parents"]]
            if part["inputs"] is None:
                modules[name].connect(*parents)
            else:
                named = zip(part["inputs"], parents, strict=True)
                modules[name].connect(**dict(named))
    loop = MessageLoop(modules.values())
    if rows is not None and data is not None:
        restore_loop(loop, Path(folder))
    loop.rows = rows or []
    return loop


def make_module(saved: dict, folder: Path, data):
    """A module with its parameters; saved: its `module.json`."""
    kind, name = find_registered(saved["kind"]), saved["name"]
    if issubclass(kind, Observation):
        return kind(data[name] if isinstance(data, dict) else data, name)
    with reading(folder):
        settings = {key: from_json(value) for key, value in saved["config"].items()}
        module = kind.from_folder(folder, settings | {"name": name})
    module.fingerprint = saved["fingerprint"]
    return module
