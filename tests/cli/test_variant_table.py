"""The table of variants in README.md is what `python -m models.variants` prints."""

from pathlib import Path

from models import VARIANTS
from models.variants import __main__ as table

README = Path(__file__).parents[2] / "README.md"
START, END = "<!-- variants -->\n", "<!-- /variants -->"


def test_readme_has_the_table_of_all_variants(capsys):
    table.main()
    printed = capsys.readouterr().out
    shown = README.read_text().partition(START)[2].partition(END)[0]
    assert shown == printed, "put in README.md what python -m models.variants prints"
    rows = printed.splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(VARIANTS)
    columns = table.COLUMNS
    assert all(row.count(" | ") == len(columns) - 1 for row in rows)


def test_cells_are_the_formulas_of_the_components():
    cells = dict(zip(table.COLUMNS, table.describe("serket"), strict=True))
    assert cells["q(z|x)"] == "N(z_mean, diag exp z_log_var)"
    assert cells["p(z)"] == "N(0, I), times a message for each example"
    assert cells["p(x|z)"] == "`--likelihood`" and cells["options"] == ""
    assert cells["maximises"] == "E_q[log p(x|z)] - KL(q(z|x) || p(z))"
    cells = dict(zip(table.COLUMNS, table.describe("beta"), strict=True))
    assert cells["maximises"] == "E_q[log p(x|z)] - 2 KL(q(z|x) || p(z))"
    assert (cells["options"], cells["p(z)"]) == ("`--capacity`", "N(0, I)")
    cells = dict(zip(table.COLUMNS, table.describe("vanilla"), strict=True))
    assert cells["p(x|z)"] == "N(x_mean, sigma^2 I), for real x"
    assert cells["source"].startswith("Kingma and Welling 2014")
