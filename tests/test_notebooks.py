"""Every notebook runs from top to bottom, with little work."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
WITH_OUTPUTS = ("your_own_data",)  # for those who only read it


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, monkeypatch):
    monkeypatch.setenv("SMOKE", "1")
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, resources=resources).execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_can_be_run_small(path):
    notebook = nbformat.read(path, as_version=4)
    assert any('environ.get("SMOKE")' in cell.source for cell in notebook.cells)
    has_outputs = any(cell.get("outputs") for cell in notebook.cells)
    assert has_outputs == (path.stem in WITH_OUTPUTS)
