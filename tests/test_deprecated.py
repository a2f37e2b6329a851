"""Modules of the previous release are found under their former names."""

import subprocess
import sys

from models.deprecated import MODULES

SCRIPT = """
import importlib, sys, warnings
warnings.simplefilter("always")
for former, name in zip(sys.argv[1::2], sys.argv[2::2]):
    assert importlib.import_module(former) is importlib.import_module(name)
"""


def test_modules_are_found_under_their_former_names_with_a_warning():
    words = [word for pair in MODULES.items() for word in pair]
    command = [sys.executable, "-c", SCRIPT, *words]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for former, name in MODULES.items():
        assert f"FutureWarning: {former} is now {name}" in result.stderr
