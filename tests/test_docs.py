"""README and docs: links resolve, commands parse, Python code compiles and imports."""

import ast
import importlib
import inspect
import io
import re
import shlex
from contextlib import redirect_stdout
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import laplace

import serket_bridge as srk
from models import VARIANTS
from models.cli.command import Command

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = ("encode", "evaluate", "explore", "interpolate", "reconstruct", "sample")
COMMANDS += ("train", "traverse")
COMMAND = re.compile(r"python3 (?:-m models\.|benchmarks/)[^`|\n]*")


def cases(find):
    """A test case for each (page, what `find` finds in its text)."""
    return [
        pytest.param(page, each, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, each in enumerate(find(page.read_text()))
    ]


# --- Text -----------------------------------------------------------------------------


def test_readme_has_at_most_200_lines():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_readme_has_the_two_commands():
    text = (ROOT / "README.md").read_text()
    for requirements, command in (
        ("requirements.txt", "models.train --variant serket"),
        ("tests/requirements.txt", "pytest"),
    ):
        line = f"python3 -m pip install -r {requirements} && python3 -m {command}"
        assert f"```\n{line}\n```" in text


def test_readme_links_to_every_page():
    text = (ROOT / "README.md").read_text()
    missing = [page.name for page in PAGES[1:] if f"(docs/{page.name})" not in text]
    assert not missing


# --- Links ----------------------------------------------------------------------------


def find_links(text):
    """The targets of links and pictures to files of the project."""
    targets = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text))
    return [target for target in targets if not target.startswith("http")]


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page, target", cases(find_links))
def test_link_resolves(page, target):
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    assert file.exists(), f"{page.name} links to {target}"
    assert not anchor or anchor in anchors(file), f"{page.name} links to {target}"


# --- Commands -------------------------------------------------------------------------


def find_commands(text):
    """Every `python3 -m models.X ...` and `python3 benchmarks/X.py ...`, as words."""
    commands = [shlex.split(c, comments=True) for c in COMMAND.findall(text)]
    return [words for words in commands if "&&" not in words]


@pytest.mark.parametrize("page, words", cases(find_commands))
def test_command_parses(page, words, monkeypatch, capsys):
    if words[1] == "-m" and words[2].partition(".")[2] not in COMMANDS:
        assert find_spec(f"{words[2]}.__main__")
    elif words[1] == "-m":
        assert parses(words[2], words[3:], monkeypatch), capsys.readouterr().err
    else:
        assert (ROOT / words[1]).exists()


def find_variants(text):
    """Every `--variant ...` in the text, without the command that takes it."""
    return [span.split() for span in re.findall(r"`(--variant [^`]*)`", text)]


@pytest.mark.parametrize("page, words", cases(find_variants))
def test_options_of_a_variant_parse(page, words, monkeypatch, capsys):
    assert parses("models.train", words, monkeypatch), capsys.readouterr().err


def parses(name, arguments, monkeypatch):
    """Whether the command accepts the arguments; it does not run."""
    module, parsed = importlib.import_module(name), []
    if isinstance(module.main, Command):
        monkeypatch.setattr(module, "main", replace(module.main, run=parsed.append))
    else:
        monkeypatch.setattr(module, "run", parsed.append)
    try:
        module.main(arguments)
    except SystemExit as end:
        return end.code == 0  # of --help
    return bool(parsed)


@pytest.fixture(scope="module")
def known_options():
    """The options of all commands and benchmarks."""
    commands = [["models.train", "--variant", v, "--help"] for v in VARIANTS]
    commands += [[f"models.{name}", "--help"] for name in COMMANDS]
    printed = io.StringIO()
    for name, *arguments in commands:
        with redirect_stdout(printed), pytest.raises(SystemExit):
            importlib.import_module(name).main(arguments)
    sources = [path.read_text() for path in (ROOT / "benchmarks").glob("*.py")]
    quoted = " ".join(re.findall(r'"--[a-z-]+"', " ".join(sources)))
    return find_options(printed.getvalue() + quoted)


def find_options(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_options_exist(page, known_options):
    assert find_options(new_names(page)) - {"--help"} <= known_options


def new_names(page):
    """The text of a page; of upgrading.md the last column of its tables."""
    text = page.read_text()
    if page.stem != "upgrading":
        return text
    return "\n".join(re.findall(r"\|([^|]*)\|$", text, re.MULTILINE))


# --- Python ---------------------------------------------------------------------------


def find_code(text):
    """The fenced blocks of Python."""
    return [code for language, code in FENCE.findall(text) if language == "python"]


def imported_names(tree):
    """name in the code -> the module, or the object of a module, that it stands for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                module = importlib.import_module(alias.name)
                top = importlib.import_module(alias.name.partition(".")[0])
                names[alias.asname or top.__name__] = module if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = find_member(node.module, alias.name)
    return names


def find_member(module, name):
    """What `from module import name` imports."""
    module = importlib.import_module(module)
    if not hasattr(module, name):
        return importlib.import_module(f"{module.__name__}.{name}")
    return getattr(module, name)


def resolve(node, names):
    """The object of a dotted name that begins at an import, else `None`."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = resolve(node.value, names)
        return None if owner is None else getattr(owner, node.attr)
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_names_in_the_text_exist(page):
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", new_names(page)))
    found = [
        re.findall(r"\b(?:models|networks|serket_bridge|srk)(?:\.\w+)+", s)
        for s in spans
    ]
    missing = [name for names in found for name in names if not exists(name)]
    assert not missing


def exists(name):
    """Whether a dotted name is a module, or a member of one."""
    name = re.sub("^networks", "models.networks", re.sub("^srk", "serket_bridge", name))
    top, *parts = name.split(".")
    owner = importlib.import_module(top)
    for part in parts:
        try:
            owner = (
                find_member(owner.__name__, part)
                if inspect.ismodule(owner)
                else getattr(owner, part)
            )
        except (ImportError, AttributeError):
            return False
    return True


@pytest.mark.parametrize("page, code", cases(find_code))
def test_python_compiles_and_its_names_exist(page, code):
    tree = ast.parse(code)
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            resolve(node, names)  # AttributeError if there is no such name


def test_the_example_of_a_variant_is_a_laplace_vae():
    (code,) = find_code((ROOT / "docs" / "adding_a_variant.md").read_text())
    example = {"__name__": "example_of_the_docs"}
    exec(code, example)
    vae = example["build"]((3, 2), 2, (4,), scale=0.5, seed=0)
    x = np.random.default_rng(0).random((5, 3, 2), dtype="float32")
    outputs = vae.predict({"x": x}, verbose=0)
    expected = laplace.logpdf(x, vae.decode(outputs["z"]), 0.5).sum(axis=(1, 2))
    np.testing.assert_allclose(outputs["log_likelihood"], expected, rtol=1e-5)


def test_the_example_of_a_module_finds_groups_and_is_saved(tmp_path):
    code = find_code((ROOT / "docs" / "adding_a_module.md").read_text())[0]
    example = {"__name__": "example_module_of_the_docs"}
    exec(code, example)
    labels = np.arange(60) % 3
    x = 10.0 * labels[:, None] + np.random.default_rng(0).standard_normal((60, 2))
    obs, kmeans = srk.Observation(x), example["KMeans"](3, seed=0)
    kmeans.connect(obs)
    rows = srk.MessageLoop([obs, kmeans]).run(2, labels, verbose=False, folder=tmp_path)
    assert rows[-1]["accuracy"] == 1.0
    recognized = srk.load(tmp_path).recognize(x)
    np.testing.assert_array_equal(recognized.classes, kmeans.classes)
    expected = np.repeat(10.0 * labels[:, None], 2, axis=1)
    np.testing.assert_allclose(kmeans.predict(kmeans.classes), expected, atol=1)
