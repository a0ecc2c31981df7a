"""What stands in the table: the keys, the items, the conditions and the JSON of the rows.

Knows nothing of DynamoDB but its item format; `adapters.ledger` says what is written when.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from cattrs import Converter
from cattrs.errors import BaseValidationError

from core.bills import bill_of
from core.model import FINAL, Bill, Deed, Machine
from core.ports import ROW_NAMES, UnreadableRow
from core.ports import Row as AnyRow

SCHEMA = 1
TWIN_FOR = timedelta(seconds=30)
KEEP_REQUEST = timedelta(days=30)
KEEP_TWIN = timedelta(hours=1)
KEEP_FINAL = timedelta(days=400)
_LONGEST = (2048, 1024)  # bytes of the two parts of a key
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

Item = dict[str, Any]
Key = tuple[str, str]
Row = TypeVar("Row")

_log = logging.getLogger(__name__)


class UnknownSchema(UnreadableRow):
    """A row was written by a newer deployment than this one."""


# ---- items ----------------------------------------------------------------------------------

ABSENT: Item = {"ConditionExpression": "attribute_not_exists(pk)"}


def opening(m: Machine, request: str, twin: str, now: datetime) -> list[Item]:
    """Five writes; `Table` reads their conditions in this order."""
    return [
        put(_machine_item(m), ABSENT),
        put(request_item(request, m.id, now), ABSENT),
        put(_twin_item(twin, m.id, now), _over(now)),
        put(pointer(name_key(m.name), m.id), ABSENT),
        put(pointer(slot_key(m), m.id), ABSENT),
    ]


def saving(new: Machine, seen: Machine) -> list[Item]:
    changes = [put(_machine_item(new), since(seen.version))]
    ends = new.state in FINAL and seen.state not in FINAL
    if ends:
        mine = {
            "ConditionExpression": "attribute_not_exists(pk) OR machine = :id",
            "ExpressionAttributeValues": {":id": {"S": new.id}},
        }
        changes.append({"Delete": {"Key": wire(name_key(new.name)), **mine}})
        changes.append({"Delete": {"Key": wire(slot_key(new))}})
    if ends and (new.runs or new.stores):
        changes.append(put(_bill_item(bill_of(new)), {}))
    return changes


def pointing(new: Machine, seen: Machine) -> list[Item]:
    """Pointers from instances to the machine, true whether or not the row is written after them:
    EC2 shows each of these with the machine's tag."""
    ends = new.state in FINAL and seen.state not in FINAL
    known = set() if ends else {one.id for one in seen.instances}
    keep = _ttl(_last(new), KEEP_FINAL) if ends else {}
    return [
        put({**pointer(instance_key(one.id), new.id), **keep}, {})
        for one in new.instances
        if one.id not in known
    ]


def _machine_item(m: Machine) -> Item:
    """A live machine is always in the index, for `live`; a final one while it owes words."""
    final = m.state in FINAL
    keep = _ttl(_last(m), KEEP_FINAL) if final else {}
    due_at = m.due_at or (None if final else NEVER)
    return {**row(machine_key(m.id), m, m.version), **due(due_at), **keep}


def _bill_item(bill: Bill) -> Item:
    assert bill.ended_at is not None
    key = bill_key(bill.ended_at, bill.machine)
    return {**row(key, bill, 1), **_ttl(bill.ended_at, KEEP_FINAL)}


def deed_item(deed: Deed) -> Item:
    return row(deed_key(deed.at, deed.id), deed, 1)


def _last(m: Machine) -> datetime:
    return m.history[-1].at if m.history else m.created_at


def request_item(request: str, machine: str, now: datetime) -> Item:
    return {**pointer(request_key(request), machine), **_ttl(now, KEEP_REQUEST)}


def _twin_item(twin: str, machine: str, now: datetime) -> Item:
    until = {"until": {"N": epoch(now + TWIN_FOR)}}
    return {**pointer(twin_key(twin), machine), **until, **_ttl(now, KEEP_TWIN)}


def _over(now: datetime) -> Item:
    """No twin, or one whose thirty seconds are over, whether or not TTL has cleared it away."""
    return {
        "ConditionExpression": "attribute_not_exists(pk) OR #until <= :now",
        "ExpressionAttributeNames": {"#until": "until"},
        "ExpressionAttributeValues": {":now": {"N": epoch(now)}},
    }


def since(version: int) -> Item:
    if version == 0:
        return ABSENT
    return {
        "ConditionExpression": "version = :seen",
        "ExpressionAttributeValues": {":seen": {"N": str(version)}},
    }


def put(item: Item, condition: Item) -> Item:
    return {"Put": {"Item": item, **condition}}


def pointer(key: Key, machine: str) -> Item:
    return {**wire(key), "machine": {"S": machine}}


def row(key: Key, value: object, version: int) -> Item:
    doc = json.dumps(_CONVERTER.unstructure(value), sort_keys=True, separators=(",", ":"))
    return {
        **wire(key),
        "schema": {"N": str(SCHEMA)},
        "version": {"N": str(version)},
        "doc": {"S": doc},
    }


def kept(value: AnyRow) -> Item:
    """A row of one of the lesser kinds; what is worth nothing after its `until` is cleared away."""
    until: datetime | None = getattr(value, "until", None)
    passing = _ttl(until, KEEP_TWIN) if until else {}
    key = row_key(type(value), value.key)
    return {**row(key, value, value.version), **due(value.due_at), **passing}


def due(at: datetime | None) -> Item:
    return {"due": {"S": "DUE"}, "due_at": {"N": epoch(at)}} if at else {}


def _ttl(now: datetime, keep: timedelta) -> Item:
    return {"ttl": {"N": str(int((now + keep).timestamp()))}}


def epoch(at: datetime) -> str:
    return f"{at.timestamp():.6f}"


def moment_of(epoch: str) -> datetime:
    """The other way round."""
    return datetime.fromtimestamp(float(epoch), UTC)


def alive(m: Machine | None) -> Machine | None:
    return m if m is not None and m.state not in FINAL else None


# ---- keys -----------------------------------------------------------------------------------


def wire(key: Key) -> Item:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def can_be(key: Key) -> bool:
    """Whether DynamoDB takes it for a key: of what it does not there is no item."""
    return all(0 < len(part.encode()) <= most for part, most in zip(key, _LONGEST, strict=True))


def machine_key(id: str) -> Key:
    return f"M#{id}", "M"


def request_key(request: str) -> Key:
    return f"REQ#{request}", "REQ"


def twin_key(twin: str) -> Key:
    return f"TWIN#{twin}", "TWIN"


def name_key(name: str) -> Key:
    return f"NAME#{name}", "NAME"


def instance_key(instance: str) -> Key:
    return f"I#{instance}", "I"


def slot_key(m: Machine) -> Key:
    return f"U#{m.owner}", f"M#{m.id}"


def profile_key(user: str) -> Key:
    return f"U#{user}", "PROFILE"


def quota_key(key: str) -> Key:
    return "Q#" + key.replace("/", "#"), "Q"


def row_key(kind: type, key: str) -> Key:
    return f"R#{ROW_NAMES[kind]}", key


def bill_key(ended_at: datetime, machine: str) -> Key:
    return f"BILL#{month(ended_at)}", f"{moment(ended_at)}#{machine}"


def deed_key(at: datetime, id: str) -> Key:
    return f"AUDIT#{month(at)}", f"{moment(at)}#{id}"


def month(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m}"


def months(since: datetime, until: datetime) -> list[str]:
    """Every month that lies between the two, oldest first."""
    found, at = [], since.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while at <= until:
        found.append(month(at))
        at = (at + timedelta(days=32)).replace(day=1)
    return found


def moment(at: datetime) -> str:
    """Sorts as time does."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"


def public(key: Key) -> str:
    """The key as wakes and the log carry it: machine/<id>, quota/<region>/<code>, profile/<user>,
    bill/<end>#<id>, audit/<at>#<id>, or the name of a kind of row and its key."""
    kind, _, rest = key[0].partition("#")
    if kind == "R":
        return f"{rest}/{key[1]}"
    if kind in ("BILL", "AUDIT"):
        return f"{kind.lower()}/{key[1]}"
    word = {"M": "machine", "Q": "quota", "U": "profile"}[kind]
    return f"{word}/{rest.replace('#', '/')}"


# ---- documents ------------------------------------------------------------------------------


def read(item: Mapping[str, Any], kind: type[Row]) -> Row:
    if int(item["schema"]["N"]) > SCHEMA:
        raise UnknownSchema(f"{item['pk']['S']} has schema {item['schema']['N']}, not {SCHEMA}")
    try:
        return _CONVERTER.structure(json.loads(item["doc"]["S"]), kind)
    except (ValueError, KeyError, TypeError, BaseValidationError) as error:
        raise UnreadableRow(item["pk"]["S"]) from error


def readable(found: Iterable[Item], kind: type[Row], *, whole: bool = False) -> Iterator[Row]:
    """Each that can be read; which the others are is logged. `whole`: such a one is an error."""
    for item in found:
        try:
            yield read(item, kind)
        except UnreadableRow:
            if whole:
                raise
            _log.warning("row left out", extra={"key": public((item["pk"]["S"], item["sk"]["S"]))})


def _converter() -> Converter:
    """Frozen values to JSON and back: times as ISO 8601, money as text, lengths in seconds."""
    made = Converter(unstruct_collection_overrides={frozenset: sorted})
    made.register_unstructure_hook(datetime, lambda at: at.isoformat())
    made.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    made.register_unstructure_hook(date, lambda day: day.isoformat())
    made.register_structure_hook(date, lambda text, _: date.fromisoformat(text))
    made.register_unstructure_hook(Decimal, str)
    made.register_structure_hook(Decimal, lambda text, _: Decimal(text))
    made.register_unstructure_hook(timedelta, lambda length: length.total_seconds())
    made.register_structure_hook(timedelta, lambda seconds, _: timedelta(seconds=seconds))
    return made


_CONVERTER = _converter()
