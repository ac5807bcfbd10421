from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from gnl_core.datasets.csv_rows import read_rows
from gnl_core.files.records import SavedRecord


class Part(SavedRecord):
    name: Annotated[str, Field(min_length=1)]
    colour: str
    note: str = ""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "parts.csv"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_rows_are_read_by_the_names_in_the_header_and_numbered_as_in_a_spreadsheet(
    table: Path, separator: str, start: str
):
    rows = (["Colour", " name", "weight"], ["red", "nut", "1"], [], ["blue ", '"a ""b"", c"'])
    table.write_text(start + "\r\n".join(separator.join(row) for row in rows), encoding="utf-8")
    assert read_rows(table, Part) == {2: Part(name="nut", colour="red"), 4: Part(name='a "b", c', colour="blue")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no column 'name' but none; expected a first row with name, colour"),
        ("name,weight\nnut,1\n", "has no column 'colour' but 'name', 'weight'; expected a first row with name, colour"),
        ("name,colour,Name\n", "has two columns 'name'; remove one of them"),
        ("name,colour\nnut,red\nnut,red,blue\n", r"row 3 of .*parts\.csv has 3 cells, but the first row has 2"),
        ("name,colour\nnut,red\n\n,blue\n", "row 4 of .*parts.csv cannot be read: name = '': .* at least 1 character"),
        ('name,colour\n"nut"s,red\n', "line 2 of .*parts.csv is no CSV: ',' expected after '\"'; correct it"),
    ],
)
def test_what_cannot_be_read_is_reported_with_its_place(table: Path, text: str, words: str):
    table.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=words) as told:
        read_rows(table, Part)
    assert "\n" not in str(told.value)


def test_text_that_is_not_utf_8_is_reported(table: Path):
    table.write_bytes(b"name,colour\nnut,\xff\n")
    with pytest.raises(ValueError, match=r"parts\.csv is not UTF-8 text"):
        read_rows(table, Part)
