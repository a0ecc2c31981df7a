"""The table: which items there are, and what is read and written together.

One DynamoDB table, keys `pk` and `sk`, index `due` (hash `due`, range `due_at`), TTL on `ttl`:

    M#<id>/M               a machine; `version` is the condition of every later write
    REQ#<request>/REQ      which machine a request made, for a redelivery of it (30 days)
    TWIN#<digest>/TWIN     the same, for the same words typed again before `until` (30 seconds)
    NAME#<name>/NAME       which live machine has the name
    U#<user>/M#<id>        a live machine of that person
    U#<user>/PROFILE       keys and addresses
    I#<instance>/I         which machine an EC2 instance belongs to
    Q#<region>#<code>/Q    a quota request
    R#<kind>/<key>         a row of one of the lesser kinds (core.ports.ROW_NAMES)
    BILL#<month>/<end>#<id>  what a machine that has ended has cost
    AUDIT#<month>/<at>#<id>  a line of the audit trail; only ever added

Every write is one TransactWriteItems, also of a single item: its client token makes botocore's own
retry after a lost answer the same write, where a conditional PutItem would refuse itself.
TTL only clears away; no meaning hangs on it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from adapters import items
from adapters.aws_errors import code_of, translated
from adapters.items import Item, Key
from core.model import Bill, Deed, Machine, Profile, QuotaRequest
from core.ports import Accepted, NameTaken, R, Row, StaleRow, UnreadableRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_CONFLICTS = 5
BATCH = 100  # keys that one BatchGetItem takes
MOST_CHANGES = 100  # that one TransactWriteItems takes; a group may need a pointer or two more


class Table:
    """core.ports.Ledger over DynamoDB."""

    def __init__(
        self, client: "DynamoDBClient", name: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._name = name
        self._pause = pause

    # ---- machines ---------------------------------------------------------------------------

    def open(self, machine: Machine, *, request: str, twin: str, now: datetime) -> Accepted:
        """Record a new machine with its request, twin, name and slot, or nothing at all."""
        new = replace(machine, version=1)
        for conflicts in range(MOST_CONFLICTS):
            try:
                self._write(items.opening(new, request, twin, now))
                return Accepted(machine=new, fresh=True)
            except _Refused as refused:
                known = self._known(new, refused, request, twin, now)
            if known is not None:
                return Accepted(machine=known, fresh=False)
            # Two deliveries met on one item, or it went between the refusal and the reading.
            self._pause(0.05 * (conflicts + 1))
        raise StaleRow(machine.id)

    def _known(
        self, new: Machine, refused: "_Refused", request: str, twin: str, now: datetime
    ) -> Machine | None:
        """The machine that this request has already, or whose twin it is; None: try again."""
        if refused.conflict:
            return None
        row, asked, same, name, _ = refused.failed
        if asked:
            return self._pointed(items.request_key(request))
        if row:
            return self.machine(new.id)
        if same:
            return self._twin(items.twin_key(twin), request, now)
        if name:
            raise NameTaken(new.name)
        return None

    def _twin(self, key: Key, request: str, now: datetime) -> Machine | None:
        """The twin's machine, which is from here on what this request got, however late it returns.

        Without that a redelivery after the thirty seconds would buy what the first delivery had
        refused to buy.
        """
        found = self._pointed(key)
        if found is None:
            return None
        try:
            self._write([items.put(items.request_item(request, found.id, now), items.ABSENT)])
        except _Refused:
            return self._pointed(items.request_key(request))
        return found

    def machine(self, id: str) -> Machine | None:
        """A consistent read."""
        item = self._get(items.machine_key(id))
        return items.read(item, Machine) if item else None

    def save(self, machine: Machine, seen: Machine) -> Machine:
        """Write if nobody wrote since `seen`; frees the name and the slot of a final machine."""
        if (machine.id, machine.name, machine.owner) != (seen.id, seen.name, seen.owner):
            raise ValueError(f"{seen.id}: id, name and owner of a machine never change")
        new = replace(machine, version=seen.version + 1)
        changes, pointers = items.saving(new, seen), items.pointing(new, seen)
        first = max(0, len(changes) + len(pointers) - MOST_CHANGES)
        for start in range(0, first, MOST_CHANGES):
            self._replace(new.id, pointers[start : min(first, start + MOST_CHANGES)])
        self._replace(new.id, [*changes, *pointers[first:]])
        return new

    def named(self, name: str) -> Machine | None:
        """The live machine of that name."""
        return items.alive(self._pointed(items.name_key(name)))

    def of_owner(self, user: str, *, whole: bool = False) -> tuple[Machine, ...]:
        """The person's live machines, oldest first; a consistent read."""
        slots = self._query(
            KeyConditionExpression="pk = :user AND begins_with(sk, :slot)",
            ExpressionAttributeValues={":user": {"S": f"U#{user}"}, ":slot": {"S": "M#"}},
            ConsistentRead=True,
        )
        keys = (items.machine_key(item["machine"]["S"]) for item in slots)
        return self._living(keys, whole=whole)

    def live(self) -> tuple[Machine, ...]:
        """Every machine that is not final: the index holds them all."""
        return self._living(key for key in self._indexed(None) if key[0].startswith("M#"))

    def by_instance(self, instance: str) -> Machine | None:
        """The machine that an EC2 instance belongs to, final or not."""
        return self._pointed(items.instance_key(instance))

    def machines(self, ids: Sequence[str]) -> Mapping[str, Machine | UnreadableRow]:
        """Consistent reads of a hundred rows at most; one that cannot be read is told as such."""
        found: dict[str, Machine | UnreadableRow] = {}
        for item in self._get_all(tuple(items.machine_key(id) for id in ids)):
            id = item["pk"]["S"].removeprefix("M#")
            try:
                found[id] = items.read(item, Machine)
            except UnreadableRow as error:
                found[id] = error
        return found

    def owners(self, instances: Sequence[str]) -> Mapping[str, str]:
        """Of which machines instances are or were, final or not."""
        found = self._get_all(tuple(items.instance_key(one) for one in instances))
        return {item["pk"]["S"].removeprefix("I#"): item["machine"]["S"] for item in found}

    def _pointed(self, key: Key) -> Machine | None:
        item = self._get(key)
        return self.machine(item["machine"]["S"]) if item else None

    def _living(self, keys: Iterable[Key], *, whole: bool = False) -> tuple[Machine, ...]:
        found = items.readable(self._get_all(tuple(keys)), Machine, whole=whole)
        return tuple(
            sorted((m for m in found if items.alive(m)), key=lambda m: (m.created_at, m.id))
        )

    # ---- time -------------------------------------------------------------------------------

    def due(self, now: datetime) -> tuple[str, ...]:
        """Keys whose time has come, the longest overdue first; may lag by a moment."""
        return tuple(items.public(key) for key in self._indexed(now))

    def watched(self) -> Mapping[str, datetime]:
        """Every machine in the index, and when it is due."""
        return {
            item["pk"]["S"].removeprefix("M#"): items.moment_of(item["due_at"]["N"])
            for item in self._index(None)
            if item["pk"]["S"].startswith("M#")
        }

    def _indexed(self, until: datetime | None) -> Iterator[Key]:
        return ((item["pk"]["S"], item["sk"]["S"]) for item in self._index(until))

    def _index(self, until: datetime | None) -> Iterator[Item]:
        condition, values = "due = :due", {":due": {"S": "DUE"}}
        if until is not None:
            condition += " AND due_at <= :now"
            values[":now"] = {"N": items.epoch(until)}
        return self._query(
            IndexName="due", KeyConditionExpression=condition, ExpressionAttributeValues=values
        )

    # ---- people and quotas ------------------------------------------------------------------

    def profile(self, user: str) -> Profile:
        """What the person has told; an empty profile with version 0 where nothing is stored."""
        item = self._get(items.profile_key(user))
        return items.read(item, Profile) if item else Profile(user=user)

    def save_profile(self, profile: Profile, seen: Profile) -> Profile:
        """Write if nobody wrote since `seen`. Due when the first address expires."""
        new = replace(profile, version=seen.version + 1)
        first = min((a.until for a in new.accesses), default=None)
        item = {**items.row(items.profile_key(new.user), new, new.version), **items.due(first)}
        self._replace(new.user, [items.put(item, items.since(seen.version))])
        return new

    def quota_request(self, key: str) -> QuotaRequest | None:
        """The latest request for that quota (`QuotaRequest.key`), decided or not."""
        item = self._get(items.quota_key(key))
        return items.read(item, QuotaRequest) if item else None

    def save_quota_request(self, request: QuotaRequest, seen: QuotaRequest | None) -> QuotaRequest:
        """Write if nobody wrote since `seen`; None: if there is none yet."""
        version = seen.version if seen else 0
        new = replace(request, version=version + 1)
        due_at = new.due_at or (items.NEVER if new.status.is_open else None)
        row = items.row(items.quota_key(new.key), new, new.version)
        item = {**row, **items.due(due_at)}
        self._replace(new.key, [items.put(item, items.since(version))])
        return new

    def quota_requests(self) -> tuple[QuotaRequest, ...]:
        """Those that AWS has still to decide, the oldest first; may lag by a moment."""
        keys = tuple(key for key in self._indexed(None) if key[0].startswith("Q#"))
        found = items.readable(self._get_all(keys), QuotaRequest)
        return tuple(sorted((r for r in found if r.status.is_open), key=lambda r: r.asked_at))

    # ---- everything else --------------------------------------------------------------------

    def row(self, kind: type[R], key: str) -> R | None:
        """A consistent read of one row."""
        item = self._get(items.row_key(kind, key))
        return items.read(item, kind) if item else None

    def rows(self, kind: type[R], *, whole: bool = False) -> tuple[R, ...]:
        """Every row of a kind, by key; a consistent read."""
        found = self._query(
            KeyConditionExpression="pk = :kind",
            ExpressionAttributeValues={":kind": {"S": items.row_key(kind, "")[0]}},
            ConsistentRead=True,
        )
        return tuple(items.readable(found, kind, whole=whole))

    def save_row(self, new: R, seen: R | None) -> R:
        """Write if nobody wrote since `seen`; None: if there is none yet."""
        version = seen.version if seen else 0
        row: Any = replace(cast("Any", new), version=version + 1)
        self._replace(new.key, [items.put(items.kept(row), items.since(version))])
        return cast("R", row)

    def drop_row(self, seen: Row) -> None:
        """Delete it if nobody wrote since; one that is gone already is no error."""
        unchanged = {
            "ConditionExpression": "attribute_not_exists(pk) OR version = :seen",
            "ExpressionAttributeValues": {":seen": {"N": str(seen.version)}},
        }
        key = items.wire(items.row_key(type(seen), seen.key))
        self._replace(seen.key, [{"Delete": {"Key": key, **unchanged}}])

    # ---- money and deeds ----------------------------------------------------------------------

    def bills(self, since: datetime, until: datetime) -> tuple[Bill, ...]:
        """Of every machine that ended between the two, oldest first."""
        found = items.readable(self._by_month("BILL", since, until), Bill)
        return tuple(bill for bill in found if bill.ended_at and since <= bill.ended_at <= until)

    def add_deed(self, deed: Deed) -> None:
        """One more line; the same line again changes nothing."""
        try:
            self._write([items.put(items.deed_item(deed), items.ABSENT)])
        except _Refused as refused:
            if refused.conflict:  # the other delivery of it may fail yet
                raise StaleRow(deed.id) from refused

    def deeds(self, since: datetime, until: datetime) -> tuple[Deed, ...]:
        """The lines from `since` on and before `until`, oldest first."""
        found = items.readable(self._by_month("AUDIT", since, until), Deed)
        return tuple(deed for deed in found if since <= deed.at < until)

    def _by_month(self, kind: str, since: datetime, until: datetime) -> Iterator[Item]:
        for month in items.months(since, until):
            yield from self._query(
                KeyConditionExpression="pk = :month AND sk >= :since",
                ExpressionAttributeValues={
                    ":month": {"S": f"{kind}#{month}"},
                    ":since": {"S": items.moment(since)},
                },
                ConsistentRead=True,
            )

    # ---- the wire ---------------------------------------------------------------------------

    def _get(self, key: Key) -> Item | None:
        if not items.can_be(key):
            return None  # a word that somebody typed, or a button that is none of ours
        with translated("GetItem"):
            answer = self._client.get_item(
                TableName=self._name, Key=items.wire(key), ConsistentRead=True
            )
        return answer.get("Item")

    def _get_all(self, keys: tuple[Key, ...]) -> Iterator[Item]:
        """Consistent reads of many rows; one that is not there is left out."""
        for start in range(0, len(keys), BATCH):
            left: list[Any] = [items.wire(key) for key in keys[start : start + BATCH]]
            while left:
                ask: Any = {self._name: {"Keys": left, "ConsistentRead": True}}
                with translated("BatchGetItem"):
                    answer = self._client.batch_get_item(RequestItems=ask)
                yield from answer["Responses"].get(self._name, [])
                rest: dict[str, Any] = dict(answer.get("UnprocessedKeys") or {})
                left = rest[self._name]["Keys"] if rest else []
                if left:
                    self._pause(0.05)

    def _query(self, **arguments: Any) -> Iterator[Item]:
        with translated("Query"):
            pages = self._client.get_paginator("query").paginate(TableName=self._name, **arguments)
            for page in pages:
                yield from page["Items"]

    def _replace(self, what: str, changes: list[Item]) -> None:
        try:
            self._write(changes)
        except _Refused as refused:
            raise StaleRow(what) from refused

    def _write(self, changes: list[Item]) -> None:
        """All of it or nothing; _Refused when a condition or another transaction stood against."""
        ready: Any = [
            {kind: {"TableName": self._name, **change} for kind, change in one.items()}
            for one in changes
        ]
        with translated("TransactWriteItems"):
            try:
                self._client.transact_write_items(TransactItems=ready)
            except ClientError as error:
                if code_of(error) != "TransactionCanceledException":
                    raise
                refused = _refusal(error)
                if refused is None:
                    raise
                raise refused from error


@dataclass(frozen=True)
class _Cancelled:
    """Which of a transaction's conditions did not hold, in its order."""

    failed: tuple[bool, ...]
    conflict: bool


class _Refused(Exception):
    """A transaction that was not written, for a reason that is no fault of DynamoDB's."""

    def __init__(self, why: _Cancelled) -> None:
        super().__init__(str(why))
        self.failed = why.failed
        self.conflict = why.conflict


def _refusal(error: ClientError) -> _Refused | None:
    """None where a throttled or broken table, not a condition, cancelled the transaction."""
    reasons: Any = error.response.get("CancellationReasons") or []
    codes = [reason.get("Code") or "None" for reason in reasons]
    failed = tuple(code == "ConditionalCheckFailed" for code in codes)
    conflict = "TransactionConflict" in codes
    return _Refused(_Cancelled(failed, conflict)) if any(failed) or conflict else None
