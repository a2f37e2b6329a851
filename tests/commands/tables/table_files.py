"""Tables that commands are given, and those that they leave."""

import csv

NUMBERS = ["length", "width", "height"]


def standardized(rows):
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


def read_csv(path):
    with open(path, newline="") as file:
        head, *rows = csv.reader(file)
    return dict(zip(head, zip(*rows, strict=True), strict=True))


def path_of(table, folder, suffix="csv"):
    (folder / "tables").mkdir(exist_ok=True)
    path = folder / "tables" / f"new.{suffix}"
    if suffix in ("xlsx", "parquet"):
        getattr(table, {"xlsx": "to_excel", "parquet": "to_parquet"}[suffix])(
            path, index=False
        )
    else:
        table.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    return path
