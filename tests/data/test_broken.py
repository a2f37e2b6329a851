"""Tables and folders as people have them: read, and it is said how; or refused.

Each case is read with the values and the sentence that are expected of it, or refused
with an error that says what to do.
"""

import datetime

import numpy as np
import openpyxl
import pandas
import pytest
from PIL import Image

from models.data import load
from models.data.errors import DataError

NAN = float("nan")
LONG = "a long name" * 20
DAY = datetime.date(2021, 3, 1).toordinal() - datetime.date(1970, 1, 1).toordinal()
EXCEL_DAY = datetime.datetime(2021, 3, 1)


def check(dataset, values, sentences, labels=None):
    """`values`: name -> the entries of x, NaN where an empty cell became the mean."""
    x = dict(zip(dataset.columns, dataset.x.T.tolist(), strict=True))
    assert list(x) == list(values)
    for name, expected in values.items():
        expected = np.array(expected, float)
        expected = np.where(np.isnan(expected), np.nanmean(expected), expected)
        np.testing.assert_allclose(x[name], expected, rtol=1e-6, err_msg=name)
    for sentence in sentences:
        assert sentence in dataset.describe()
    if labels is not None:
        assert [dataset.label_names[code] for code in dataset.labels] == labels


# id: (text, or bytes, of a .csv; the values; what `describe` contains)
READ = {
    "decimal commas": (
        "a;b\n1,5;2\n2,25;3\n-0,5;4\n",
        {"a": [1.5, 2.25, -0.5], "b": [2, 3, 4]},
        ["a: decimal commas", "2 features: a, b; no labels"],
    ),
    "decimal commas and thousands": (
        "a;b\n1.234,5;1.000\n12,25;2.500\n1.000.000,0;750\n",
        {"a": [1234.5, 12.25, 1e6], "b": [1000, 2500, 750]},
        ["a, b: decimal commas"],
    ),
    "decimal commas with exponents": (
        "a;b\n1,5E+03;1\n2,5E+03;2\n",
        {"a": [1500, 2500], "b": [1, 2]},
        ["a: decimal commas"],
    ),
    "quoted decimal commas": (
        'a,b\n"1,5",2\n"2,25",3\n',
        {"a": [1.5, 2.25], "b": [2, 3]},
        ["a: decimal commas"],
    ),
    "decimal commas among points": (
        'a,b\n1.5,1\n2.5,2\n"3,5",3\n',
        {"a": [1.5, 2.5, 3.5], "b": [1, 2, 3]},
        ["a: decimal commas"],
    ),
    "thousands": (
        'a,b\n"1,234",2\n"12,500",3\n950,4\n',
        {"a": [1234, 12500, 950], "b": [2, 3, 4]},
        ["a: commas separate thousands"],
    ),
    "thousands and points": (
        "a;b\n1,234.5;2\n12,500.25;3\n",
        {"a": [1234.5, 12500.25], "b": [2, 3]},
        ["a: commas separate thousands"],
    ),
    "spaces in numbers": (
        "a;b\n1 234;2\n12\u00a0500;3\n7;5\n",
        {"a": [1234, 12500, 7], "b": [2, 3, 5]},
        ["2 features: a, b"],
    ),
    "apostrophes in numbers": (
        "a,b\n1'234.5,2\n2'000,3\n",
        {"a": [1234.5, 2000], "b": [2, 3]},
        ["2 features: a, b"],
    ),
    "percent": (
        "a,b\n12%,2\n7.5 %,3\n",
        {"a": [0.12, 0.075], "b": [2, 3]},
        ["a: percentages as fractions"],
    ),
    "currency": (
        'a,b\n"$1,200.50",€5\n$3,€7\n',
        {"a": [1200.5, 3], "b": [5, 7]},
        [
            "b: numbers with the unit €",
            "a: commas separate thousands, numbers with the",
        ],
    ),
    "units in cells": (
        "a,b\n12 kg,1\n7.5kg,2\n",
        {"a": [12, 7.5], "b": [1, 2]},
        ["a: numbers with the unit kg"],
    ),
    "minus of typographers": (
        "a,b\n\u22121.5,1\n2,4\n",
        {"a": [-1.5, 2], "b": [1, 4]},
        ["2 features: a, b"],
    ),
    "exponents": (
        "a,b\n1e3,1\n2.5E-1,2\n",
        {"a": [1000, 0.25], "b": [1, 2]},
        ["2 features"],
    ),
    "row names of R's write.csv": (
        '"","a","b"\n"1",5.1,3\n"2",4.9,4\n',
        {"a": [5.1, 4.9], "b": [3, 4]},
        ["column 1: left out, an index"],
    ),
    "row names that are words": (
        '"","mpg","cyl"\n"Mazda RX4",21,6\n"Fiat 128",32.4,4\n"Merc",24,5\n',
        {"mpg": [21, 32.4, 24], "cyl": [6, 4, 5]},
        ["column 1: left out, text of 3 different values"],
    ),
    "R's write.table": (
        '"a" "b"\n"1" 5.1 3\n"2" 4.9 4\n',
        {"a": [5.1, 4.9], "b": [3, 4]},
        ["the first column has no name", "column 1: left out, an index"],
    ),
    "index of pandas": (
        ",a,b\n0,1.5,2\n1,2.5,3\n",
        {"a": [1.5, 2.5], "b": [2, 3]},
        ["column 1: left out, an index"],
    ),
    "index of pandas, shuffled": (
        ",a,b\n17,1.5,2\n4,2.5,3\n",
        {"a": [1.5, 2.5], "b": [2, 3]},
        ["column 1: left out, an index"],
    ),
    "array in pandas": (
        ",0,1\n0,1.5,2\n1,2.5,3\n",
        {"0": [1.5, 2.5], "1": [2, 3]},
        ["column 1: left out, an index"],
    ),
    "numbers as names": (
        "0,1,2\n1.5,2,7\n2.5,3,8\n",
        {"0": [1.5, 2.5], "1": [2, 3], "2": [7, 8]},
        ["3 features: 0, 1, 2"],
    ),
    "years as names": (
        "country,2019,2020\nAT,1.5,2\nDE,2.5,3\nAT,4,5\nDE,6,7\n",
        {
            "country=DE": [0, 1, 0, 1],
            "2019": [1.5, 2.5, 4, 6],
            "2020": [2, 3, 5, 7],
        },
        ["country: one-hot: AT, DE"],
    ),
    "ids": (
        "id,a\n1003,1.5\n1017,2.5\n1009,4\n",
        {"a": [1.5, 2.5, 4]},
        ["id: left out, an index"],
    ),
    "ids as text": (
        "patient,a\nP001,1.5\nP002,2.5\nP003,4\nP004,7\n",
        {"a": [1.5, 2.5, 4, 7]},
        ["patient: left out, text of 4 different values"],
    ),
    "units in a second line": (
        "a,b\ncm,kg\n1,2\n3,4\n",
        {"a": [1, 3], "b": [2, 4]},
        ["left out below the names: cm, kg"],
    ),
    "merged cells above the names": (
        "size,,weight,\nmin,max,min,max\n1,2,3,4\n5,6,7,9\n",
        {
            "size min": [1, 5],
            "size max": [2, 6],
            "weight min": [3, 7],
            "weight max": [4, 9],
        },
        ["names of two lines: size min, size max, weight min, weight max"],
    ),
    "a title above the table": (
        "Report of March\n\na,b\n1,2\n3,4\n",
        {"a": [1, 3], "b": [2, 4]},
        ["left out above the table: Report of March"],
    ),
    "a title of Excel": (
        "Report;;\n;;\na;b;c\n1;2;3\n3;4;7\n",
        {"a": [1, 3], "b": [2, 4], "c": [3, 7]},
        ["left out above the table: Report"],
    ),
    "the separator declared": (
        "sep=;\na;b\n1;2\n3;4\n",
        {"a": [1, 3], "b": [2, 4]},
        ["2 features: a, b"],
    ),
    "a total at the end": (
        "month,a\n1,10\n2,20\n3,40\nTotal,70\n",
        {"month": [1, 2, 3], "a": [10, 20, 40]},
        ["the last row left out: Total"],
    ),
    "trailing separators": (
        "a,b,\n1,2,\n3,4,\n",
        {"a": [1, 3], "b": [2, 4]},
        ["2 features: a, b"],
    ),
    "trailing separators below the names": (
        "a,b\n1,2,\n3,4,\n",
        {"a": [1, 3], "b": [2, 4]},
        ["2 features: a, b"],
    ),
    "one trailing separator": (
        "a,b\n1,2\n3,4,\n5,7\n",
        {"a": [1, 3, 5], "b": [2, 4, 7]},
        ["2 features: a, b"],
    ),
    "empty rows of Excel": (
        "a,b\n1,2\n,\n3,4\n,\n,\n",
        {"a": [1, 3], "b": [2, 4]},
        ["3 empty rows left out"],
    ),
    "an empty column": (
        "a,b,note\n1,2,\n3,4,\n",
        {"a": [1, 3], "b": [2, 4]},
        ["note: left out, empty"],
    ),
    "marks of empty cells": (
        "a,b,c,d\n1,NA,?,NULL\n2,5,n/a,#DIV/0!\n-,6,7,8\n4,8,9,\n5,1,2,3\n",
        {
            "a": [1, 2, NAN, 4, 5],
            "b": [NAN, 5, 6, 8, 1],
            "c": [NAN, NAN, 7, 9, 2],
            "d": [NAN, NAN, 8, NAN, 3],
        },
        ["a (1), b (1), c (2), d (3): empty cells read as the mean"],
    ),
    "empty cells of text": (
        "a,b\n1,u\n2,\n3,v\n4,u\n",
        {"a": [1, 2, 3, 4], "b=v": [0, NAN, 1, 0]},
        ["b: one-hot: u, v", "b (1): empty cells read as the mean"],
    ),
    "a short line": (
        "a,b,c\n1,2,3\n4,5\n6,7,8\n",
        {"a": [1, 4, 6], "b": [2, 5, 7], "c": [3, NAN, 8]},
        ["lines with fewer fields than others: 3", "c (1): empty cells"],
    ),
    "a byte order mark": (
        "\ufeffa,b\n1,2\n3,4\n".encode(),
        {"a": [1, 3], "b": [2, 4]},
        ["2 features: a, b"],
    ),
    "latin-1": (
        "größe,b\n1,2\n3,4\n".encode("latin-1"),
        {"größe": [1, 3], "b": [2, 4]},
        ["read as windows-1252"],
    ),
    "latin-1 with control characters": (
        "größe,b\n1,2\n3,4\n# \x81\n".encode("latin-1"),
        {"größe": [1, 3], "b": [2, 4]},
        ["read as latin-1"],
    ),
    "utf-16": (
        "größe\tb\n1\t2\n3\t4\n".encode("utf-16"),
        {"größe": [1, 3], "b": [2, 4]},
        ["2 features: größe, b"],
    ),
    "utf-16 without a mark": (
        "größe\tb\n1\t2\n3\t4\n".encode("utf-16-le"),
        {"größe": [1, 3], "b": [2, 4]},
        ["2 features: größe, b"],
    ),
    "line ends of old Macs": (
        b"a,b\r1,2\r3,4\r",
        {"a": [1, 3], "b": [2, 4]},
        ["2 features: a, b"],
    ),
    "line ends of Windows": (
        b"a,b\r\n1,2\r\n\r\n3,4\r\n",
        {"a": [1, 3], "b": [2, 4]},
        ["2 features: a, b"],
    ),
    "semicolons and quoted commas": (
        'a;b;name\n1;2;"x, y"\n3;4;"z, w"\n5;7;"x, y"\n6;1;"z, w"\n',
        {"a": [1, 3, 5, 6], "b": [2, 4, 7, 1], "name=z, w": [0, 1, 0, 1]},
        ["name: one-hot: x, y, z, w"],
    ),
    "new lines in cells and names": (
        '"height\n(cm)",b,c\n1,"u\nv",5\n3,"u\nv",6\n4,w,8\n6,w,7\n',
        {"height (cm)": [1, 3, 4, 6], "b=w": [0, 0, 1, 1], "c": [5, 6, 8, 7]},
        ["b: one-hot: u\nv, w"],
    ),
    "comments": (
        "# made by hand\na,b\n1,2\n# the first was wrong\n3,4\n",
        {"a": [1, 3], "b": [2, 4]},
        ["lines that start with # left out"],
    ),
    "colours that start like comments": (
        "colour,a\n#ff0000,1\n#00ff00,2\n#ff0000,4\n#00ff00,5\n",
        {"colour=#ff0000": [1, 0, 1, 0], "a": [1, 2, 4, 5]},
        ["colour: one-hot: #00ff00, #ff0000"],
    ),
    "long lines": (
        ",".join(f"{LONG} {i}" for i in range(800))
        + "\n"
        + "\n".join(",".join(str(i * k % 7) for i in range(800)) for k in (1, 2)),
        {f"{LONG} {i}": [i % 7, i * 2 % 7] for i in range(800) if i % 7},
        [f"{LONG} 7, {LONG} 14", "left out, the same value in every row"],
    ),
    "names in a comment": (
        "# a b\n1 2\n3 4\n",
        {"a": [1, 3], "b": [2, 4]},
        ["2 features: a, b"],
    ),
    "# as a name": (
        "#,a,b\n1,1.5,2\n2,3,4\n",
        {"a": [1.5, 3], "b": [2, 4]},
        ["column 1: left out, an index"],
    ),
    "pipes": ("a|b\n1|2\n3|4\n", {"a": [1, 3], "b": [2, 4]}, ["2 features: a, b"]),
    "aligned columns": (
        "  a     b\n  1.5   2\n 13.5   4\n",
        {"a": [1.5, 13.5], "b": [2, 4]},
        ["2 features: a, b"],
    ),
    "spaces after separators": (
        'a, b, c\n1, "u", 5\n3, "v", 6\n7, "u", 8\n9, "v", 9\n',
        {"a": [1, 3, 7, 9], "b=v": [0, 1, 0, 1], "c": [5, 6, 8, 9]},
        ["b: one-hot: u, v"],
    ),
    "one column": ("a\n1.5\n2.5\n", {"a": [1.5, 2.5]}, ["1 features: a"]),
    "one column without a name": (
        "1.5\n2.5\n",
        {"column 1": [1.5, 2.5]},
        ["1 features: column 1"],
    ),
    "names of two words in one column": (
        "body height\n1.5\n2.5\n",
        {"body height": [1.5, 2.5]},
        ["1 features: body height"],
    ),
    "names twice": (
        "a,a,b\n1,2,3\n4,5,7\n",
        {"a": [1, 4], "a.2": [2, 5], "b": [3, 7]},
        ["3 features: a, a.2, b"],
    ),
    "names again further down": (
        "a,b\n1,2\na,b\n3,4\n5,9\n",
        {"a": [1, 3, 5], "b": [2, 4, 9]},
        ["1 repeated lines of names left out"],
    ),
    "a name is empty": (
        "a,,b\n1,2,3\n4,5,7\n",
        {"a": [1, 4], "column 2": [2, 5], "b": [3, 7]},
        ["3 features: a, column 2, b"],
    ),
    "dates": (
        "when,a\n2021-03-01,1\n2021-03-03,2\n",
        {"when": [DAY, DAY + 2], "a": [1, 2]},
        ["when: dates (ISO8601) as days since 1970-01-01"],
    ),
    "mixed dates": (
        "when,a\n2021-03-01,1\n03.03.2021,2\n2021-03-31,5\n",
        {"when": [DAY, DAY + 2, DAY + 30], "a": [1, 2, 5]},
        ["when: dates (ISO8601|%d.%m.%Y) as days since 1970-01-01"],
    ),
    "American dates": (
        "when,a\n3/1/2021,1\n3/31/2021,2\n",
        {"when": [DAY, DAY + 30], "a": [1, 2]},
        ["when: dates (%m/%d/%Y)"],
    ),
    "British dates": (
        "when,a\n1/3/2021,1\n31/3/2021,2\n",
        {"when": [DAY, DAY + 30], "a": [1, 2]},
        ["when: dates (%d/%m/%Y)"],
    ),
    "dates with times and gaps": (
        "when,a\n01.03.2021 12:00,1\n,2\n02.03.2021 00:00,4\n",
        {"when": [DAY + 0.5, NAN, DAY + 1], "a": [1, 2, 4]},
        ["when: dates (%d.%m.%Y %H:%M)", "when (1): empty cells"],
    ),
    "dates with names of months": (
        "when,a\n1 Mar 2021,1\n3 Mar 2021,2\n",
        {"when": [DAY, DAY + 2], "a": [1, 2]},
        ["when: dates (%d %b %Y)"],
    ),
    "booleans": (
        "a,b,c\nTrue,yes,1\nFalse,no,2\n,yes,3\nTrue,no,5\n",
        {"a": [1, 0, NAN, 1], "b=yes": [1, 0, 1, 0], "c": [1, 2, 3, 5]},
        ["b: one-hot: no, yes", "a (1): empty cells read as the mean"],
    ),
    "plus and minus": (
        "a,b\n+,1\n-,2\n+,4\n-,3\n",
        {"a=-": [0, 1, 0, 1], "b": [1, 2, 4, 3]},
        ["a: one-hot: +, -"],
    ),
    "free text": (
        "a,comment\n1,fine\n2,not so good\n3,broken\n4,I do not know\n",
        {"a": [1, 2, 3, 4]},
        ["comment: left out, text of 4 different values"],
    ),
    "a constant": (
        "a,b,c\n1,7,u\n2,7,u\n",
        {"a": [1, 2]},
        ["b, c: left out, the same value in every row"],
    ),
    "coordinates": (
        "x,y,z\n1,2,3\n4,5,7\n",
        {"x": [1, 4], "y": [2, 5], "z": [3, 7]},
        ["3 features: x, y, z; no labels"],
    ),
    "a target that is a measurement": (
        "a,target\n1,0.5\n2,1.5\n",
        {"a": [1, 2], "target": [0.5, 1.5]},
        ["2 features: a, target; no labels"],
    ),
    "labels last, no names": (
        "5.1,3.5,u\n4.9,3,v\n4.7,3.1,u\n5,3.2,v\n",
        {
            "column 1": [5.1, 4.9, 4.7, 5],
            "column 2": [3.5, 3, 3.1, 3.2],
            "column 3=v": [0, 1, 0, 1],
        },
        ["column 3: one-hot: u, v"],
    ),
    "words without names": (
        "red,L\nblue,M\nred,M\nblue,L\n",
        {"column 1=red": [1, 0, 1, 0], "column 2=M": [0, 1, 1, 0]},
        ["column 1: one-hot: blue, red"],
    ),
}


@pytest.mark.parametrize("name", READ)
def test_text_that_is_read(tmp_path, name):
    content, values, sentences = READ[name]
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    check(load(path, standardize=False), values, sentences)


# id: (text, or bytes, of a .csv; a pattern of the message, which says what to do)
REFUSED = {
    "an empty file": ("", "the table has no rows; expected at least one"),
    "only white space": ("\n \n\n", "the table has no rows; expected at least one"),
    "only names": ("a,b\n", "the table has no rows; expected at least one"),
    "only a comment": ("# nothing\n", "the table has no rows; expected at least one"),
    "a word among numbers": (
        "a,b\n1,2\n3,oops\n5,6\n7,8\n",
        "line 3, column 'b' holds 'oops', expected a number; change it, or .* --drop",
    ),
    "a word among numbers, after comments and new lines": (
        '# x\n\na,b,c\n1,2,"u\n\nv"\n# y\n5,oops,w\n6,7,w\n8,9,w\n',
        "line 8, column 'b' holds 'oops', expected a number",
    ),
    "a footnote": (
        "a,b\n1,2\n3,4\n5,6\nSource: own measurements,\n",
        "line 5, column 'a' holds 'Source: own measurements', expected a number",
    ),
    "a percentage is missing": (
        "a,b\n12%,1\n13%,2\n15,3\n",
        "line 4, column 'a' holds '15', expected a percentage; change it",
    ),
    "American among British dates": (
        "a,b\n1/3/2021,1\n31/3/2021,2\n30/3/2021,2\n3/31/2021,4\n",
        "line 5, column 'a' holds '3/31/2021', expected a date like 31/03/2021; change",
    ),
    "no date": (
        "a,b\n2021-03-01,1\n2021-03-02,2\nsoon,3\n",
        "line 4, column 'a' holds 'soon', expected a date like 2021-03-31; change it",
    ),
    "infinity": (
        "a,b\n1,2\ninf,3\n",
        "line 3, column 'a' holds inf, expected a finite number; change it",
    ),
    "too large": (
        "a,b\n1,2\n3,1e400\n",
        "line 3, column 'b' holds inf, expected a finite number; change it",
    ),
    "too large for single precision": (
        "a,b\n1,2\n3,1e40\n",
        "row 1, column b, .* too large for float32; remove, replace or rescale",
    ),
    "a long line": (
        "a,b\n1,2\n\n3,4,5\n",
        "expected 2 fields in line 4, as the header has 2 names, saw 3; make all",
    ),
    "a long line without names": (
        "1,2\n3,4\n3,4,5\n",
        "expected 2 fields in line 3, saw 3; make all lines equally long",
    ),
    "a long line, far down": (
        "a,b\n" + "1,2\n3,4\n" * 50 + "3,4,5\n",
        "expected 2 fields in line 102, saw 3; make all lines equally long",
    ),
    "names without values": (
        "a,b,c,d\n1,2\n3,4\n",
        "expected 4 fields in line 2, as the header has 4 names, saw 2; make all",
    ),
    "an open quotation mark": (
        'a,b\n1,2\n3,"4\n5,6\n',
        "the quotation mark in line 3 is not closed; close or remove it",
    ),
    "nothing to learn from": (
        "name,b\nu,1\nv,1\nw,1\nx,1\n",
        "no column is left to learn from; name: .* 4 different .*; b: .*--columns",
    ),
    "a label is missing": (
        "a,label\n1,u\n2,\n3,v\n",
        "1 labels .* row 1 .*; give every row a label, or use --labels none",
    ),
    "an Excel file of the wrong name": (
        b"PK\x03\x04" + bytes(50),
        "is an Excel file or archive; rename it to .xlsx",
    ),
    "half a character of utf-16": (
        b"\xff\xfe\x00\x81\n",
        "expected a table of text in UTF-8, so save it again",
    ),
    "a page of the web": (
        "<!DOCTYPE html>\n<html><body>404</body></html>\n",
        "is a page of the web, no table; download the table itself",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_text_that_is_refused(tmp_path, name):
    content, message = REFUSED[name]
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=f"a.csv: .*{message}"):
        load(path)


# --- Excel and Parquet ----------------------------------------------------------------


def book(path, *sheets):
    """Writes sheets, which are lists of rows, as an Excel file."""
    stored = openpyxl.Workbook()
    stored.remove(stored.active)
    for i, rows in enumerate(sheets):
        sheet = stored.create_sheet(f"Sheet{i + 1}")
        for row in rows:
            sheet.append(row)
    stored.save(path)
    return path


EXCEL = {
    "numbers": (
        [[["a", "b"], [1, 2.5], [3, 4]]],
        {"a": [1, 3], "b": [2.5, 4]},
        ["2 features: a, b"],
    ),
    "a title, empty rows and columns": (
        [[["Report"], [], [None, "a", "b"], [None, 1, 2], [], [None, 3, 4]]],
        {"a": [1, 3], "b": [2, 4]},
        ["left out above the table: Report", "1 empty rows left out"],
    ),
    "several sheets": (
        [[], [["a", "b"], [1, 2], [3, 4]], [["c"], [1]]],
        {"a": [1, 3], "b": [2, 4]},
        ["sheet Sheet2, the first of 3 that is not empty"],
    ),
    "dates, text and gaps": (
        [
            [
                ["when", "b", "c"],
                [EXCEL_DAY, "u", 1],
                [None, "v", 2],
                [EXCEL_DAY + datetime.timedelta(2), "u", None],
                [EXCEL_DAY, "v", 3],
            ]
        ],
        {"when": [DAY, NAN, DAY + 2, DAY], "b=v": [0, 1, 0, 1], "c": [1, 2, NAN, 3]},
        ["when: dates", "b: one-hot: u, v", "when (1), c (1): empty cells"],
    ),
    "numbers as text": (
        [[["a", "b"], ["1.5", 2], ["2,500", 3]]],
        {"a": [1.5, 2500], "b": [2, 3]},
        ["a: commas separate thousands"],
    ),
    "marks of empty cells": (
        [[["a", "b"], [1, "n/a"], ["-", 3], [2, 5], [4, "#DIV/0!"], [7, 8]]],
        {"a": [1, NAN, 2, 4, 7], "b": [NAN, 3, 5, NAN, 8]},
        ["a (1), b (2): empty cells read as the mean"],
    ),
    "years and a total": (
        [
            [
                ["country", 2019, 2020],
                ["AT", 1, 2],
                ["DE", 3, 5],
                ["AT", 5, 6],
                ["DE", 2, 9],
                ["Sum", 11, 22],
            ]
        ],
        {"country=DE": [0, 1, 0, 1], "2019": [1, 3, 5, 2], "2020": [2, 5, 6, 9]},
        ["the last row left out: Sum"],
    ),
    "merged cells and units": (
        [[["size", None, "b"], ["min", "max", "kg"], [1, 2, 3], [4, 5, 7]]],
        {"size min": [1, 4], "size max": [2, 5], "b kg": [3, 7]},
        ["names of two lines: size min, size max, b kg"],
    ),
}


@pytest.mark.parametrize("name", EXCEL)
def test_excel_that_is_read(tmp_path, name):
    sheets, values, sentences = EXCEL[name]
    path = book(tmp_path / "a.xlsx", *sheets)
    check(load(path, standardize=False), values, sentences)


@pytest.mark.parametrize(
    "sheets, message",
    [
        ([[]], "the table has no rows; expected at least one"),
        ([[["a", "b"]]], "the table has no rows; expected at least one"),
        (
            [[["T"], ["a", "b"], [1, 2], [3, "oops"], [5, 6], [7, 8]]],
            "row 4, column 'b' holds 'oops', expected a number; change it",
        ),
    ],
)
def test_excel_that_is_refused(tmp_path, sheets, message):
    with pytest.raises(DataError, match=f"a.xlsx: {message}"):
        load(book(tmp_path / "a.xlsx", *sheets))


@pytest.mark.parametrize("content", [b"", b"no Excel", b"PK\x03\x04"])
def test_excel_that_is_damaged(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(DataError, match="a.xlsx: is .*damaged.*an Excel table"):
        load(tmp_path / "a.xlsx")


def test_the_format_before_xlsx(tmp_path):
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(DataError, match="a.xls: .* save it as .xlsx or .csv"):
        load(tmp_path / "a.xls")


def test_parquet_with_dates_text_and_gaps(tmp_path):
    frame = pandas.DataFrame(
        {
            "when": [EXCEL_DAY, None, EXCEL_DAY + datetime.timedelta(1), None],
            "day": [
                EXCEL_DAY.date(),
                None,
                EXCEL_DAY.date(),
                datetime.date(2021, 3, 2),
            ],
            "b": ["u", "v", None, "u"],
            "c": [True, None, False, True],
            "d": pandas.Series([1, None, 3, 4], dtype="Int64"),
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    values = {
        "when": [DAY, NAN, DAY + 1, NAN],
        "day": [DAY, NAN, DAY, DAY + 1],
        "b=v": [0, 1, NAN, 0],
        "c": [1, NAN, 0, 1],
        "d": [1, NAN, 3, 4],
    }
    sentences = ["when, day: dates", "day (1), b (1), c (1), d (1): empty cells"]
    check(load(tmp_path / "a.parquet", standardize=False), values, sentences)


# --- Folders of images ----------------------------------------------------------------


class Folder:
    """A folder that images are written to; their pixels are the number of the image."""

    def __init__(self, path):
        self.path, self.n_images = path, 0

    def add(self, name, size=(3, 4), mode="L", **options):
        self.n_images += 1
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = 10 * self.n_images
        colour = colour if mode in ("L", "I;16") else (colour,) * len(mode)
        Image.new(mode, size[::-1], colour).save(path, **options)
        return path


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "images")


def grey(folder, n=3):
    for i in range(n):
        folder.add(f"a{i}.png")


def hidden_files(folder):
    grey(folder)
    folder.add(".hidden.png")
    folder.add(".thumbs/b.png")
    folder.add("__MACOSX/._a0.png")
    (folder.path / ".DS_Store").write_bytes(b"1")


def other_files(folder):
    grey(folder)
    (folder.path / "notes.md").write_text("notes")
    (folder.path / "labels.csv").write_text("a\n1\n")


def zero_bytes(folder):
    grey(folder)
    (folder.path / "b.png").write_bytes(b"")


def truncated(folder):
    grey(folder)
    path = folder.add("b.png", mode="L", size=(80, 80))
    path.write_bytes(path.read_bytes()[:60])


def no_image(folder):
    grey(folder)
    (folder.path / "b.jpg").write_text("<html>404</html>")


def deep(folder):
    grey(folder)
    folder.add("b.png", mode="I;16")


def animated(folder):
    grey(folder)
    frames = [Image.new("L", (4, 3), 40), Image.new("L", (4, 3), 200)]
    frames[0].save(folder.path / "b.gif", save_all=True, append_images=frames[1:])


def colours(folder):
    grey(folder)
    folder.add("b.png", mode="RGB")


def four_inks(folder):
    folder.path.mkdir()
    for i in range(3):
        Image.new("CMYK", (4, 3), (0, 0, 0, 255 - 51 * i)).save(
            folder.path / f"{i}.tif"
        )


def labelled(folder):
    for name in ("u/a.png", "v/a.png", "v/deep/b.png"):
        folder.add(name)


def partly_labelled(folder):
    for name in ("u/a.png", "v/a.png", "top.png"):
        folder.add(name)


def one_sub_folder(folder):
    for name in ("2021/a.png", "2021/b.png"):
        folder.add(name)


def turned(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    folder.add("a.png")
    folder.add("b.jpg", size=(4, 3), exif=exif, quality=100)


def upper_case(folder):
    for name in ("A.PNG", "B.Jpeg", "c d (1).png"):
        folder.add(name)


def several_sizes(folder):
    folder.add("a.png")
    folder.add("b.png", size=(6, 6))
    folder.add("c.png", size=(3, 4))


FOLDERS = {
    hidden_files: ({}, [10, 20, 30], ["3 rows of 3 x 4; no labels"]),
    other_files: ({}, [10, 20, 30], ["files that are no images: labels.csv, notes.md"]),
    zero_bytes: ({}, [10, 20, 30], ["1 images left out: ", "b.png: is empty"]),
    truncated: ({}, [10, 20, 30], ["1 images left out: ", "cut short"]),
    no_image: ({}, [10, 20, 30], ["1 images left out: ", "b.jpg: is empty, damaged"]),
    deep: ({}, [10, 20, 30], ["1 images left out: ", "expected 8-bit pixels"]),
    animated: ({}, [10, 20, 30, 40], ["1 images of several frames: the first one is"]),
    colours: ({}, [10, 20, 30, 40], ["3 x 4 x 3", "images in grey and in colour"]),
    four_inks: ({}, [0, 51, 102], ["3 rows of 3 x 4 x 3"]),
    labelled: ({}, [10, 20, 30], ["labels: sub-folders (2)"]),
    partly_labelled: ({}, [30, 10, 20], ["no labels", "top.png lie in none"]),
    one_sub_folder: ({}, [10, 20], ["no labels: all images lie in 2021"]),
    turned: ({}, [10, 20], ["2 rows of 3 x 4"]),
    upper_case: ({}, [10, 20, 30], ["3 rows of 3 x 4"]),
    several_sizes: (
        {"image_size": (3, 4)},
        [10, 20, 30],
        ["resized from 2 sizes to 3 x 4 (stretch)"],
    ),
}


@pytest.mark.parametrize("make", FOLDERS, ids=lambda make: make.__name__)
def test_folders_that_are_read(folder, make):
    make(folder)
    options, values, sentences = FOLDERS[make]
    dataset = load(folder.path, **options)
    pixels = dataset.x.reshape(len(dataset.x), -1) * 255
    np.testing.assert_allclose(pixels, np.array(values)[:, None] + 0 * pixels, atol=1)
    for sentence in (*sentences, "divided by 255"):
        assert sentence in dataset.describe()


def only(make, *kept):
    def without(folder):
        make(folder)
        for path in folder.path.iterdir():
            if path.name not in kept:
                path.unlink()

    return without


@pytest.mark.parametrize(
    "make, message",
    [
        (several_sizes, "b.png: is 6 x 6, expected 3 x 4 .*image_size .--image-size."),
        (only(deep, "b.png"), "b.png: expected 8-bit pixels.*save it as an 8-bit"),
        (only(zero_bytes, "b.png"), "b.png: is empty.*expected an image, so save"),
        (only(truncated, "b.png", "a0.png"), "b.png: is empty, damaged, cut short"),
        (only(other_files, "notes.md"), "no images in this folder; .* holds notes.md"),
        (lambda folder: folder.path.mkdir(), "no images in this folder; expected fil"),
    ],
)
def test_folders_that_are_refused(folder, make, message):
    make(folder)
    with pytest.raises(DataError, match=message):
        load(folder.path)
