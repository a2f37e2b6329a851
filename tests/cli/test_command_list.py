"""python -m models: the list of the commands."""

from pathlib import Path

import models
from models import __main__ as command_list


def test_lists_every_command(capsys):
    command_list.main()
    printed = capsys.readouterr().out
    folder = Path(models.__file__).parent
    commands = [
        path.stem
        for path in folder.glob("[a-z]*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    ]
    assert sorted(commands) == sorted(command_list.COMMANDS)
    for name in commands:
        assert f"  python -m models.{name} " in printed
    assert models.__version__ in printed
