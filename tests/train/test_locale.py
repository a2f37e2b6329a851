"""A locale that knows no umlauts: files are in UTF-8, and the output is readable."""


def test_a_run_in_an_ascii_locale_writes_all_its_files(command, read, tmp_path):
    rows = [f"{i % 7},{i * i % 11},Zürich\n{i % 5},{i},Genf" for i in range(30)]
    text = "\n".join(["größe,zahl,ort", *rows]) + "\n"
    (tmp_path / "data.csv").write_text(text, encoding="utf-8")
    words = "--data data.csv --variant vanilla --epochs 1 --batch-size 20 --out out"
    ascii = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    result = command(*words.split(), cwd=tmp_path, **ascii)
    assert result.returncode == 0, result.stderr
    assert r"gr\xf6\xdfe, zahl, ort" in result.stdout
    assert {"model.txt", "latents.npz", "samples.png"} <= read.names(tmp_path / "out")
