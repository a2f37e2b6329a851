"""Tables of text as people have them: the values read, and what is printed of them."""

import pytest

from tests.data.broken_tables import DAY, NAN, check, read_text

LONG = "a long name" * 20


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
def test_text_that_is_read_text(tmp_path, name):
    content, values, sentences = READ[name]
    check(read_text(tmp_path, content, standardize=False), values, sentences)
