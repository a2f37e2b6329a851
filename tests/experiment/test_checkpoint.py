"""What `checkpoint.fit` refuses before it begins."""

from pathlib import Path

import numpy as np
import pytest

from models.runs.checkpoint import RESERVED_ARGUMENTS, fit


@pytest.mark.parametrize("name", sorted(RESERVED_ARGUMENTS))
def test_what_would_make_other_epochs_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"{name} must be left out: .* Received: 2"):
        fit(None, np.zeros((4, 2)), "run", epochs=3, batch_size=8, **{name: 2})
    assert not Path("run").exists()
