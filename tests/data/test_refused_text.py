"""Tables of text that are refused, with an error that says what to do."""

import pytest

from models.data.errors import DataError
from tests.data.broken_tables import read_text

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
    with pytest.raises(DataError, match=f"a.csv: .*{message}"):
        read_text(tmp_path, content)
