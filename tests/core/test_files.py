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


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1))
def test_every_row_comes_back_as_it_was_to_the_eye_but_for_the_mark(cells: list[str]) -> None:
    text = table(("h",) * len(cells), [cells])
    _, back = csv.reader(io.StringIO(text, newline=""))
    seen = [visible(cell).strip() for cell in cells]
    assert [cell.removeprefix("'") for cell in back] == [cell.removeprefix("'") for cell in seen]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in back)


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
