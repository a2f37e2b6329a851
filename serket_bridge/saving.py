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
import re
import shutil
from pathlib import Path

from serket_bridge import files, serialization
from serket_bridge.checks import require

FORMAT = 2
FORMER_KEYS = {"lowers": "parents", "identity": "fingerprint", "report": "metrics"}
REGISTERED = "registered, with the decorator serket_bridge.register"
KEYS = ("kind", "name", "parents", "config", "fingerprint", "rng", "metrics")
COMPARED = ("kind", "name", "parents", "config", "fingerprint")


def describe_module(module) -> dict:
    """The content of `module.json`; ValueError if its class is not registered."""
    names = [serialization.registered_name(kind) for kind in type(module).__mro__]
    rule = f"{module.name} cannot be saved: its class must be {REGISTERED}"
    require(any(names), rule, f"a {type(module).__name__}")
    return {
        "kind": next(filter(None, names)),
        "name": module.name,
        "parents": [parent.folder for parent in module.parents],
        "inputs": [*module.connections],
        "config": {k: serialization.to_json(k, v) for k, v in module.config().items()},
        "fingerprint": module.fingerprint,
        "rng": module.rng.bit_generator.state,
        "metrics": module.metrics,
    }


def save_module(module, folder: Path) -> None:
    """Writes `module.json` and the parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    description = describe_module(module)
    module.save_parameters(folder)
    files.write_json(folder / "module.json", description)


def read_descriptions(home: Path) -> dict[str, dict]:
    """folder -> `module.json` of every module that was saved, the data first."""
    paths = sorted(home.glob("*/module.json"))
    return {path.parent.name: read_description(path.parent) for path in paths}


def read_description(folder: Path) -> dict:
    """The content of `module.json`, also of an earlier version."""
    content = files.read_json(folder / "module.json")
    with files.reading(folder):
        saved = {FORMER_KEYS.get(key, key): value for key, value in content.items()}
        # earlier versions did not save the names of inputs
        saved = {key: saved[key] for key in KEYS} | {"inputs": saved.get("inputs")}
        saved["kind"] = serialization.OLD_NAMES.get(saved["kind"], saved["kind"])
        config = saved["config"].items()
        return saved | {"config": {k: serialization.upgrade(v) for k, v in config}}


def restore_module(module, folder: Path, by_folder: dict) -> None:
    """Reads parameters, state and messages of a module; by_folder: all modules."""
    module.load_parameters(folder)
    description = read_description(folder)
    tree = serialization.unflatten(files.read_arrays(folder / "state.npz"))
    with files.reading(folder):
        module.rng.bit_generator.state = description["rng"]
        module.metrics = description["metrics"]
        backward = tree.pop("above", {}) | tree.pop("backward", {})  # "above": format 1
        for name, message in backward.items():
            module._backward[by_folder[name]] = message
        module.set_state(tree)


def check_savable(loop) -> None:
    """Raises ValueError if a module, or a message that it receives, cannot be saved."""
    for module in loop.modules:
        refused = f"{module.name} cannot be saved"
        for value in describe_module(module)["config"].values():
            unknown = value.get("unknown") if isinstance(value, dict) else None
            rule = f"{refused}: functions and inferences must be {REGISTERED}"
            require(unknown is None, rule, unknown)
        strangers = [child.name for child in module.children.difference(loop.modules)]
        rule = f"{refused}: it receives messages of modules that are not in this loop"
        require(not strangers, rule, ", ".join(strangers))


def save_loop(loop, folder: Path) -> None:
    """Saves a loop after its last round."""
    *former, path = round_paths(folder, len(loop.rows))
    part = path.with_name(f".partial-{path.name}")
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed here
    for module in loop.modules:
        save_module(module, part / module.folder)
        backward = {child.folder: m for child, m in module._backward.items()}
        state = serialization.flatten(module.state() | {"backward": backward})
        files.write_arrays(part / module.folder / "state.npz", state)
    remove_rounds(loop, [path])
    os.replace(part, path)
    manifest = {"format": FORMAT, "round": path.name, "rows": loop.rows}
    files.write_json(folder / "loop.json", manifest)
    remove_rounds(loop, former)


def round_paths(folder: Path, n_rounds: int) -> list[Path]:
    """The folders of the first rounds."""
    return [folder / f"round-{number:03d}" for number in range(1, n_rounds + 1)]


def is_round(loop, path: Path) -> bool:
    """Whether this is a round that `save_loop` has written, and not of the user."""
    if path.is_symlink() or not path.is_dir():
        return False
    return {each.name for each in path.iterdir()} == {m.folder for m in loop.modules}


def remove_rounds(loop, paths: list[Path]) -> None:
    """Removes the folders that are rounds of this loop."""
    for path in paths:
        if is_round(loop, path):
            shutil.rmtree(path)


def check_free(loop, folder: Path, n_rounds: int) -> None:
    """Raises ValueError if something else has the name of a round that will follow."""
    for path in round_paths(folder, n_rounds)[len(loop.rows) :]:
        rule = f"{path} is no round of this loop: use another folder, or rename it"
        require(is_round(loop, path) or not os.path.lexists(path), rule)


def restore_loop(loop, folder: Path) -> None:
    """Puts a loop into its saved state; ValueError if that is another loop's."""
    rows, home = read_manifest(folder)
    is_continued = without_timings(rows[: len(loop.rows)]) == without_timings(loop.rows)
    rule = f"{folder} holds other rounds than this loop has run: use another folder"
    require(is_continued, rule)
    by_folder = {module.folder: module for module in loop.modules}
    for name, module in by_folder.items():
        check_same(module, read_description(home / name), folder)
    for name, module in by_folder.items():
        restore_module(module, home / name, by_folder)
    loop.rows, loop._last_classes = rows, loop.classes


def without_timings(rows: list[dict]) -> list[dict]:
    """The rows without the numbers that differ from run to run."""
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in rows]


def check_same(module, saved: dict, folder: Path) -> None:
    """Raises ValueError unless the module is the one that was saved in the folder."""
    ours = json.loads(json.dumps(describe_module(module), default=files.to_python))
    for part in COMPARED:
        rule = f"{folder} holds a loop whose {saved['name']} has another {part}: "
        rule += f"{differences(saved[part], ours[part])}. Use another folder, or the "
        rule += "settings and data of the saved loop"
        require(comparable(saved[part]) == comparable(ours[part]), rule)


def comparable(value):
    """Paths of weights without the numbers that Keras counts up in a process."""
    if not isinstance(value, dict) or not all("/" in key for key in value):
        return value
    return [(re.sub(r"_\d+(?=/)", "", key), shape) for key, shape in value.items()]


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
    manifest = files.read_json(path)
    with files.reading(path):
        version = manifest.get("format")
        rule = f"folder {folder}: its loop.json must have the format 1 or {FORMAT}"
        require(version in (1, FORMAT), rule, version)
        home, rows = Path(folder) / manifest["round"], [*map(dict, manifest["rows"])]
        return (rows if version == FORMAT else upgrade_rows(rows, home)), home


def upgrade_rows(rows: list[dict], home: Path) -> list[dict]:
    """Rows of format 1, whose metrics did not have the name of their module."""
    new = {}
    for saved in read_descriptions(home).values():
        new |= {metric: f"{saved['name']}.{metric}" for metric in saved["metrics"]}
        new[f"seconds_{saved['name']}"] = f"{saved['name']}.seconds"
    return [{new.get(key, key): v for key, v in row.items()} for row in rows]
