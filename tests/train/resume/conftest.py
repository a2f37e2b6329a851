"""Fixtures of these tests: short trainings, killed where a test wants it."""

import pytest

from tests.train.resume.killed import Killed


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Commands write into a temporary folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small():
    """Options for a fast training on the blobs: four steps per epoch."""
    words = "--batch-size 15 --hidden-dims 8 --latent-dim 3 --n-components 3"
    return words.split()


@pytest.fixture
def killed(light, monkeypatch):
    """A function that runs the command and kills it at call `last` of a method."""

    def killed(method, *arguments, last=3, **where):
        original, calls = getattr(*method), []

        def dies(self, *given):
            calls.append(given)
            if len(calls) == last:
                raise Killed
            return original(self, *given)

        with monkeypatch.context() as patch:
            patch.setattr(*method, dies)
            with pytest.raises(Killed):
                light("--checkpoint", *arguments, **where)

    return killed
