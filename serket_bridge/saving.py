"""Modules and loops on disk. A round is saved completely or not at all.

A module's folder, `module001_vae/`, holds `module.json` (class, connections, settings,
random state) and its parameters (`model.keras` or `model.npz`); in a saved loop also
`state.npz`: messages, and everything else that the next round needs. A saved loop is

    loop.json         the rows of its table, and the name of the folder that is valid
    round-003/        the modules' folders after round 3

`loop.json` is replaced in one step after a round's folder is complete, so that a run
that is killed at any moment can be resumed after its last complete round.
"""

import json
import os
import shutil
from pathlib import Path

from serket_bridge.files import (
    read_arrays,
    read_json,
    to_python,
    write_arrays,
    write_json,
)
from serket_bridge.serialization import (
    OLD_NAMES,
    flatten,
    registered_name,
    to_json,
    unflatten,
    upgrade,
)

FORMAT = 2
COMPARED = ("kind", "name", "parents", "config", "fingerprint")


# --- A module -------------------------------------------------------------------------


def describe_module(module) -> dict:
    """The content of `module.json`; ValueError if its class is not registered."""
    kinds = [registered_name(kind) for kind in type(module).__mro__]
    if not any(kinds):
        raise ValueError(
            f"{module.name} cannot be saved: its class must be registered, with the "
            f"decorator serket_bridge.register. Received: a {type(module).__name__}"
        )
    return {
        "kind": next(kind for kind in kinds if kind),
        "name": module.name,
        "parents": [parent.folder for parent in module.parents],
        "config": {key: to_json(key, v) for key, v in module.config().items()},
        "fingerprint": module.fingerprint,
        "rng": module.rng.bit_generator.state,
        "metrics": module.metrics,
    }


def save_module(module, folder: Path) -> None:
    """Writes `module.json` and the parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    description = describe_module(module)
    module.save_parameters(folder)
    write_json(folder / "module.json", description)


def read_description(folder: Path) -> dict:
    """The content of `module.json`, also of an earlier version."""
    saved = read_json(folder / "module.json")
    if "lowers" not in saved:
        return saved
    return {
        "kind": OLD_NAMES[saved["kind"]],
        "name": saved["name"],
        "parents": saved["lowers"],
        "config": {key: upgrade(value) for key, value in saved["config"].items()},
        "fingerprint": saved["identity"],
        "rng": saved["rng"],
        "metrics": saved["report"],
    }


def save_state(module, folder: Path) -> None:
    """Writes `state.npz`: what the next round needs beside the parameters."""
    backward = {child.folder: m for child, m in module._backward.items()}
    write_arrays(folder / "state.npz", flatten(module.state() | {"backward": backward}))


def restore_module(module, folder: Path, by_folder: dict) -> None:
    """Reads parameters, state and messages of a module; by_folder: all modules."""
    module.load_parameters(folder)
    description = read_description(folder)
    module.rng.bit_generator.state = description["rng"]
    module.metrics = description["metrics"]
    tree = unflatten(read_arrays(folder / "state.npz"))
    backward = tree.pop("above", {}) | tree.pop("backward", {})  # "above": format 1
    for name, message in backward.items():
        module._backward[by_folder[name]] = message
    module.set_state(tree)


# --- A loop ---------------------------------------------------------------------------


def check_savable(loop) -> None:
    """Raises ValueError if a module, or a message that it receives, cannot be saved."""
    for module in loop.modules:
        for value in describe_module(module)["config"].values():
            if isinstance(value, dict) and "unknown" in value:
                raise ValueError(
                    f"{module.name} cannot be saved: functions and inferences must be "
                    "registered, with the decorator serket_bridge.register. "
                    f"Received: {value['unknown']}"
                )
        for child in module.children.difference(loop.modules):
            raise ValueError(
                f"{module.name} receives messages from {child.name}, which is not a "
                "module of this loop and would be missing in the saved loop"
            )


def save_loop(loop, folder: Path) -> None:
    """Saves a loop after its last round."""
    name = f"round-{len(loop.rows):03d}"
    part = folder / f".partial-{name}"
    for old in (part, folder / name):  # of a run that was killed here
        shutil.rmtree(old, ignore_errors=True)
    for module in loop.modules:
        save_module(module, part / module.folder)
        save_state(module, part / module.folder)
    os.replace(part, folder / name)
    manifest = {"format": FORMAT, "round": name, "rows": loop.rows}
    write_json(folder / "loop.json", manifest)
    for old in [*folder.glob("round-*"), *folder.glob(".partial-round-*")]:
        if old.name != name:
            shutil.rmtree(old)


def restore_loop(loop, folder: Path) -> None:
    """Puts a loop into its saved state; ValueError if that is another loop's."""
    rows, home = read_manifest(folder)
    if without_timings(rows[: len(loop.rows)]) != without_timings(loop.rows):
        raise ValueError(
            f"{folder} holds other rounds than this loop has run: use another folder"
        )
    for module in loop.modules:
        check_same(module, home, folder)
    by_folder = {module.folder: module for module in loop.modules}
    for name, module in by_folder.items():
        restore_module(module, home / name, by_folder)
    loop.set_rows(rows)


def without_timings(rows: list[dict]) -> list[dict]:
    """The rows without the numbers that differ from run to run."""
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in rows]


def check_same(module, home: Path, folder: Path) -> None:
    """Raises ValueError unless the module is the one that was saved."""
    saved = read_description(home / module.folder)
    ours = json.loads(json.dumps(describe_module(module), default=to_python))
    for part in COMPARED:
        if saved[part] != ours[part]:
            raise ValueError(
                f"{folder} holds a loop whose {saved['name']} has another {part}: "
                f"{differences(saved[part], ours[part])}. Use another folder, or the "
                "settings and data of the saved loop"
            )


def differences(saved, ours) -> str:
    """Where two settings differ, for an error message."""
    if not isinstance(saved, dict) or not isinstance(ours, dict):
        return f"{saved} there, {ours} here"
    keys = [k for k in {**saved, **ours} if saved.get(k) != ours.get(k)]
    return ", ".join(f"{k} is {saved.get(k)} there, {ours.get(k)} here" for k in keys)


def read_manifest(folder: str | Path) -> tuple[list[dict] | None, Path]:
    """(rows, folder of the valid round) of a loop; (None, folder) if none is saved."""
    path = Path(folder) / "loop.json"
    if not path.exists():
        return None, Path(folder)
    manifest = read_json(path)
    if manifest.get("format") not in (1, FORMAT):
        raise ValueError(
            f"folder {folder}: its loop.json must have the format 1 or {FORMAT}. "
            f"Received: {manifest.get('format')}"
        )
    home = Path(folder) / manifest["round"]
    rows = manifest["rows"]
    return (rows if manifest["format"] == FORMAT else upgrade_rows(rows, home)), home


def upgrade_rows(rows: list[dict], home: Path) -> list[dict]:
    """Rows of format 1, whose metrics did not have the name of their module."""
    new = {}
    for path in sorted(home.glob("*/module.json")):
        saved = read_description(path.parent)
        new |= {metric: f"{saved['name']}.{metric}" for metric in saved["metrics"]}
        new[f"seconds_{saved['name']}"] = f"{saved['name']}.seconds"
    return [{new.get(key, key): v for key, v in row.items()} for row in rows]
