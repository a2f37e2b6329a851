"""The command `python -m models.explore`: its errors, and where it listens."""

import contextlib
import io
import re
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from models import explore
from models.explorer.server import allowed_hosts, find_free_port
from tests.explorer.browser import ROOT

ERROR = "python -m models.explore: error: "


def call(*arguments):
    """The exit code, and what was written to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = explore.main([*map(str, arguments), "--no-browser"])
        except SystemExit as stop:  # argparse's own
            code = stop.code
    return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())


def assert_refused(result, *words):
    assert result.code == 2 and result.out == "" and "Traceback" not in result.err
    *_, sentence = result.err.strip().splitlines()
    assert sentence.startswith(ERROR)
    for word in words:
        assert word in sentence


def test_a_missing_run_is_refused(tmp_path):
    assert_refused(call(tmp_path / "nothing"), "there is no such run")
    assert_refused(call(tmp_path), "is not the folder of a run")
    (tmp_path / "config.json").write_text("{")
    assert_refused(call(tmp_path), "config.json", "the configuration of a run")
    (tmp_path / "config.json").write_text("[]")
    assert_refused(call(tmp_path), "config.json")


def test_a_damaged_run_is_refused(run_of, tmp_path):
    files = {path.name: path.read_bytes() for path in run_of("serket").iterdir()}
    for name in ("model.keras", "rounds.npz", "metrics.json"):
        for other, content in files.items():
            (tmp_path / other).write_bytes(content)
        (tmp_path / name).write_bytes(b"damaged")
        assert_refused(call(tmp_path), name)
        (tmp_path / name).unlink()
        if name != "metrics.json":  # without it the run was stopped in round 1
            assert_refused(call(tmp_path), name)


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_an_invalid_port_is_refused(port):
    assert_refused(call("run", f"--port={port}"), "--port", port)


def test_a_port_that_is_taken_is_refused_and_0_takes_a_free_one():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(OSError, match=f"--port {taken}: .* in use"):
            find_free_port("127.0.0.1", taken)
        assert find_free_port("127.0.0.1", 0) not in (0, taken)


@pytest.mark.parametrize("address", ["no.such.host.invalid", "192.0.2.1", "::1"])
def test_an_address_that_is_not_ours_is_refused(address):
    with pytest.raises((OSError, ValueError), match=f"--address .*{address}"):
        find_free_port(address, 0)


def test_only_pages_of_this_machine_may_connect():
    local = ["127.0.0.1", "localhost"]
    assert allowed_hosts("127.0.0.1") == allowed_hosts("localhost") == local
    assert allowed_hosts("192.0.2.1") == ["192.0.2.1"]
    everywhere = allowed_hosts("0.0.0.0")
    assert {*local, socket.gethostname()} <= {*everywhere}
    assert not any("*" in name for name in everywhere)


def test_help_names_every_option_and_imports_nothing_heavy():
    command = [sys.executable, "-X", "importtime", "-m", "models.explore", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    for option in ("RUN", "--address", "--port", "--origin", "--no-browser"):
        assert option in done.stdout
    imported = {line.split()[-1] for line in done.stderr.splitlines()}
    heavy = {"numpy", "keras", "panel", "bokeh", "matplotlib", "sklearn"}
    assert not imported & heavy


def test_the_mathematics_imports_no_library_of_widgets():
    folder = ROOT / "models" / "explorer"
    for name in "space state colours html_images html_text".split():
        source = (folder / f"{name}.py").read_text()
        assert not re.search(r"^\s*(import|from) (panel|bokeh)", source, re.M)
