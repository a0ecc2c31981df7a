"""Tables as CSV: exact amounts, and nothing in a cell that a spreadsheet would run."""

import csv
import io
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.files import File, table
from core.words import visible

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.mark.parametrize(
    "typed",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u200b=1",
        "\x00=1",
        "\uff1d1",
    ],
)
def test_what_a_spreadsheet_would_run_is_words_in_it(typed: str) -> None:
    [[cell]] = csv.reader(io.StringIO(table((), [(typed,)]).removeprefix("\r\n"), newline=""))
    assert cell == f"'{visible(typed).strip()}"


def test_nothing_in_a_cell_reorders_or_hides_a_letter() -> None:
    assert table(("a",), [("fox\u202e\u2066gpj\u200b\ufeff",)]) == "a\r\nfoxgpj\r\n"


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
@pytest.mark.parametrize(
    "typed",
    [
        "x;=cmd|' /C calc'!A0;y",
        "x; =1+1",
        'x;"=1+1"',
        'x,y; "" =1+1;"z"',
        'x|"@SUM(A1)|y',
        "x\t=1+1\ty",
        "x\n+1",
        "x;\u200b-1",
        "x;\uff1d1;\uff0b1;\uff0d1;\uff20a",
        ";=1",
        "x, y;=1",
    ],
)
def test_no_other_list_separator_makes_a_formula_of_words(typed: str, delimiter: str) -> None:
    text = table(("when", "what", "next"), [("monday", typed, "ada"), (typed, typed, typed)])
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        for cell in row:
            assert not cell.strip().startswith(FORMULA)


def test_words_and_amounts_stay_readable() -> None:
    words = ("spot-price", "amber-fox; a-b", "a=b", "ada@lab.org, kim", "1 - 2", "us-east-1;a, b")
    assert next(csv.reader(io.StringIO(table(words, [])))) == list(words)
    (row,) = csv.reader(io.StringIO(table((), [words]).removeprefix("\r\n")))
    assert row == list(words)
    assert table(("a", "b"), [("a, -b", Decimal("-1.5"))]) == 'a,b\r\n"a, \'-b",-1.5\r\n'


cells = st.text(
    st.one_of(st.sampled_from(";,|\t\n\"' =+-@\uff1d"), st.characters(codec="utf-8")), min_size=1
)


@given(st.lists(cells, min_size=1))
def test_every_row_comes_back_as_it_was_to_the_eye_but_for_the_marks(cells: list[str]) -> None:
    text = table(("h",) * len(cells), [cells])
    _, back = csv.reader(io.StringIO(text, newline=""))
    seen = [visible(cell).strip() for cell in cells]
    assert [cell.replace("'", "") for cell in back] == [cell.replace("'", "") for cell in seen]
    for delimiter in (",", ";", "|"):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            assert not any(cell.strip().startswith(FORMULA) for cell in row)


def test_amounts_stay_exact_and_moments_are_utc() -> None:
    at = datetime(2026, 11, 24, 10, 0, tzinfo=timezone(timedelta(hours=1)))
    tiny = Decimal("0.0000000012345678901234567")
    assert table(("a", "b", "c", "d"), [(tiny, at, None, 7)]) == (
        f"a,b,c,d\r\n{tiny:f},2026-11-24T09:00:00Z,,7\r\n"
    )
    assert table(("a",), [(Decimal("-1.5"),)]) == "a\r\n-1.5\r\n"


def test_a_spreadsheet_knows_a_file_as_utf8() -> None:
    file = File(name="a.csv", title="a", text="ü", said="a")
    assert file.content == b"\xef\xbb\xbf\xc3\xbc"
