"""The start of a backend: refused where it is missing, and nothing on the screen."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import models

ROOT = Path(models.__file__).parents[1]
RUN = dict.fromkeys(
    ("evaluate", "encode", "reconstruct", "sample", "traverse", "explore"), "run"
)
COMMANDS = {"train": "--data digits", "interpolate": "run --from 0 --to 1", **RUN}

REFUSED = """
import json, sys
from importlib import import_module
sys.modules[sys.argv[1]] = None  # as if it were not installed
for name, arguments in json.loads(sys.argv[2]).items():
    print(import_module(f"models.{name}").main(arguments.split()))
"""

FAKE_KERAS = """
import os
os.write(2, b'''WARNING: All log messages before absl::InitializeLog() is called are ...
I0000 00:00:1795725341.431316   21860 cpu_feature_guard.cc:227] This binary ...
To enable the following instructions: AVX2, in other operations, rebuild ...
W0000 00:00:1795725341.431316   21860 gpu.cc:1] Skipping registering GPU devices
E0000 00:00:1795725341.431316   21860 cuda.cc:1] failed call to cuInit
''')
"""


@pytest.fixture
def python(tmp_path):
    """A function that runs code in a new Python, with a user's environment."""

    def python(code, *arguments, path=(), **variables):
        kept = {name: os.environ[name] for name in ("PATH", "HOME")}
        kept["PYTHONPATH"] = os.pathsep.join(map(str, (*path, ROOT)))
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=kept | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return python


@pytest.mark.parametrize(
    "backend, message",
    [
        ("jax", "KERAS_BACKEND=jax: jax is not installed. Run pip install jax, or set"),
        ("torch", "KERAS_BACKEND=torch: torch is not installed"),
        ("theano", "KERAS_BACKEND must be one of .*, jax, torch. Received: theano"),
    ],
)
def test_every_command_refuses_a_missing_backend(python, backend, message):
    result = python(REFUSED, backend, json.dumps(COMMANDS), KERAS_BACKEND=backend)
    assert result.stdout.split() == ["2"] * len(COMMANDS), result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == len(COMMANDS)
    for name, line in zip(COMMANDS, lines, strict=True):
        before, _, after = line.partition(": error: ")
        assert before == f"python -m models.{name}"
        assert re.match(message, after)


@pytest.mark.parametrize("name", ["models.vanilla", "serket_bridge.VAE"])
def test_imports_print_nothing(python, name):
    result = python(f"import models, serket_bridge; {name}")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_packages_are_imported_without_a_backend(python):
    code = "import models, serket_bridge, sys; print('keras' in sys.modules)"
    assert python(code).stdout == "False\n"


@pytest.mark.parametrize("level, n_lines", [("1", 2), ("0", 5)])
def test_warnings_of_an_import_are_shown(python, tmp_path, level, n_lines):
    (tmp_path / "keras.py").write_text(FAKE_KERAS)
    code = "from models.suppress_output import import_keras; import_keras()"
    result = python(code, path=[tmp_path], TF_CPP_MIN_LOG_LEVEL=level)
    assert len(result.stderr.splitlines()) == n_lines
    assert "Skipping registering" in result.stderr and "cuInit" in result.stderr
