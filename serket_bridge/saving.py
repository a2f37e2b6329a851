"""Modules and whole loops on disk. A round is saved whole or not at all.

A module's folder, `module001_vae/`, has `module.json` (kind, connections, settings,
random state) and its parameters (`model.keras` or `model.npz`); in a saved loop also
`state.npz`: messages, and all else that the next round starts from. A saved loop is

    loop.json         the rows of its table, and which of the folders below counts
    round-003/        the modules' folders after round 3

and `loop.json` is replaced in one step once a round's folder is whole, so that a run
killed at any moment has its last whole round.
"""

import json
import os
import shutil
from pathlib import Path

from models.runs.run_folder import plain, save_json, save_npz, write_whole
from serket_bridge.serialization import (
    decode,
    encode,
    flatten,
    known,
    read_arrays,
    read_json,
    unflatten,
)

FORMAT = 1


# --- A module -------------------------------------------------------------------------


def description(module):
    """What `module.json` says of a module."""
    kinds = [k for k, kind in known().items() if kind in type(module).__mro__]
    if not kinds:
        raise ValueError(
            f"{module.name} cannot be saved: of modules only Observation, VAE and GMM "
            f"can. Received: a {type(module).__name__}"
        )
    settings = {key: encode(key, v) for key, v in module.config().items()}
    return {
        "kind": kinds[0],
        "name": module.name,
        "lowers": [lower.folder for lower in module.lowers],
        "config": settings,
        "identity": module.identity,
        "rng": module.rng.bit_generator.state,
        "report": module.report,
    }


def save_module(module, folder):
    """Writes `module.json` and the parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    about = description(module)
    module.save(folder)
    write_whole(folder / "module.json", lambda part: save_json(part, about))


def save_state(module, folder):
    """Writes `state.npz`: what the next round starts from, beside the parameters."""
    above = {upper.folder: m for upper, m in module._from_above.items()}
    arrays = flatten(module.state() | {"above": above})
    write_whole(folder / "state.npz", lambda part: save_npz(part, arrays))


# --- A loop ---------------------------------------------------------------------------


def check(loop):
    """Raises ValueError if `save` could not save the loop, or not all it hears."""
    for module in loop.modules:
        for value in description(module)["config"].values():
            if isinstance(value, dict) and "unknown" in value:
                raise ValueError(
                    f"{module.name} cannot be saved, except with what serket_bridge "
                    f"has. Received: {value['unknown']}"
                )
        for upper in module._uppers.difference(loop.modules):
            raise ValueError(
                f"{module.name} hears {upper.name}, which is no module of this loop "
                "and would be missing in what is saved"
            )


def save(loop, folder):
    """Saves the whole loop as it is after its last round."""
    name = f"round-{len(loop.rows):03d}"
    part = folder / f".partial-{name}"
    for old in (part, folder / name):  # of a run that was killed here
        shutil.rmtree(old, ignore_errors=True)
    for module in loop.modules:
        save_module(module, part / module.folder)
        save_state(module, part / module.folder)
    os.replace(part, folder / name)
    about = {"format": FORMAT, "round": name, "rows": loop.rows}
    write_whole(folder / "loop.json", lambda path: save_json(path, about))
    for old in [*folder.glob("round-*"), *folder.glob(".partial-round-*")]:
        if old.name != name:
            shutil.rmtree(old)


def restore(loop, folder):
    """Puts a loop into the state in which `folder` has it.

    Raises ValueError where the saved loop has other modules, settings or data.
    """
    about, home = manifest(folder)
    if untimed(about["rows"][: len(loop.rows)]) != untimed(loop.rows):
        raise ValueError(
            f"{folder} holds other rounds than this loop has run: give another folder"
        )
    for module in loop.modules:
        check_same(module, read_json(home / module.folder / "module.json"), folder)
    by_folder = {module.folder: module for module in loop.modules}
    for name, module in by_folder.items():
        restore_module(module, home / name, by_folder)
    loop.rows = about["rows"]
    loop._last_classes = loop.classes


def untimed(rows):
    """The rows without what differs from run to run."""
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in rows]


def check_same(module, saved, folder):
    """Raises ValueError unless this is the module that was saved."""
    ours = json.loads(json.dumps(description(module), default=plain))
    for part in ("kind", "name", "lowers", "config", "identity"):
        if saved[part] != ours[part]:
            raise ValueError(
                f"{folder} holds a loop whose {saved['name']} has another {part}: "
                f"{differences(saved[part], ours[part])}. Give another folder, or go "
                "on with the settings and data it was begun with"
            )


def differences(saved, ours):
    """Where two settings differ, in words."""
    if not isinstance(saved, dict) or not isinstance(ours, dict):
        return f"{saved} there, {ours} here"
    keys = [k for k in {**saved, **ours} if saved.get(k) != ours.get(k)]
    return ", ".join(f"{k} is {saved.get(k)} there, {ours.get(k)} here" for k in keys)


def restore_module(module, folder, by_folder):
    """Parameters, state and messages of one module."""
    module.read(folder)
    about = read_json(folder / "module.json")
    module.rng.bit_generator.state = about["rng"]
    module.report = about["report"]
    tree = unflatten(read_arrays(folder / "state.npz"))
    for name, message in tree.pop("above", {}).items():
        module._from_above[by_folder[name]] = message
    module.set_state(tree)


def load(folder, data=None):
    """The loop that was saved in `folder`, or that left its modules' folders there.

    folder: of `MessageLoop.run(..., folder=...)`, or where Serket's files are (see
        `serket_bridge.output_dir`). `recognize` needs no more.
    data: the observed data, to go on training; for several observations a dict by name.

    Raises ValueError: nothing to load there, or damaged.
    """
    from serket_bridge.loop import MessageLoop

    folder = Path(folder)
    about, home = manifest(folder)
    parts = {f.parent.name: read_json(f) for f in sorted(home.glob("*/module.json"))}
    if not parts:
        raise ValueError(f"folder {folder}: no module was saved there")
    names = sorted(
        {name for part in parts.values() for name in part["lowers"]} | {*parts}
    )
    modules = {}
    for name in names:  # numbers grow from the data up
        modules[name] = make_module(parts.get(name), name, home, data)
        if parts.get(name, {}).get("lowers"):
            modules[name].connect(*(modules[low] for low in parts[name]["lowers"]))
    loop = MessageLoop(modules.values())
    if about is not None and data is not None:
        restore(loop, folder)
    elif about is not None:
        loop.rows = about["rows"]
    return loop


def make_module(about, name, home, data):
    """A module of a saved loop with its parameters; an Observation without `about`."""
    from serket_bridge.observation import Observation

    if about is None or about["kind"] == "Observation":
        name = name.partition("_")[2] if about is None else about["name"]
        return Observation(data[name] if isinstance(data, dict) else data, name)
    settings = {key: decode(value) for key, value in about["config"].items()}
    settings["name"] = about["name"]
    module = known()[about["kind"]].from_folder(home / name, settings)
    module.identity = about["identity"]
    return module


def manifest(folder):
    """(what loop.json says, the folder of the round that counts)."""
    path = Path(folder) / "loop.json"
    if not path.exists():
        return None, Path(folder)
    about = read_json(path)
    if about.get("format") != FORMAT:
        raise ValueError(
            f"folder {folder}: its loop.json must have the format {FORMAT}. "
            f"Received: {about.get('format')}"
        )
    return about, Path(folder) / about["round"]
