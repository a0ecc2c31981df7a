"""Files that people are sent: tables as CSV that a spreadsheet opens without running any of it."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from core.words import visible

# Where a spreadsheet would read a formula (OWASP, "CSV Injection"), in full width too: at the start
# of a cell, and behind all that may end a cell where lists are not separated by commas. A German
# Excel cuts `x;=1` in two, whatever was meant for one cell.
_FORMULA = re.compile(r'(^|[,;|\t\r\n])([\s"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])')

Cell = str | int | Decimal | datetime | None


@dataclass(frozen=True, kw_only=True)
class File:
    """A file for one person. `said` are the words of the message that it comes with."""

    name: str
    title: str
    text: str
    said: str

    @property
    def content(self) -> bytes:
        """UTF-8, with the mark at its beginning that spreadsheets know it by."""
        return self.text.encode("utf-8-sig")


def table(header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> str:
    """RFC 4180. Amounts are written out as they are, moments in UTC as ISO 8601."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_written(cell) for cell in row] for row in rows)
    return made.getvalue()


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Decimal():
            return format(cell, "f")
        case int():
            return str(cell)
        case datetime():
            return cell.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case str():
            return _FORMULA.sub(r"\1\2'", visible(cell).strip())
