"""The table in memory: the promises of core.ports.Ledger, kept under one lock."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from core.bills import bill_of
from core.model import FINAL, Bill, Deed, Machine, Profile, QuotaRequest
from core.ports import ROW_NAMES, Accepted, NameTaken, R, Row, StaleRow, UnreadableRow

TWIN_FOR = timedelta(seconds=30)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass
class MemoryLedger:
    """core.ports.Ledger without a table. `writes` counts what was written, for tests of races."""

    writes: int = 0
    _machines: dict[str, Machine] = field(default_factory=dict)
    _requests: dict[str, str] = field(default_factory=dict)
    _twins: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _instances: dict[str, str] = field(default_factory=dict)
    _profiles: dict[str, Profile] = field(default_factory=dict)
    _quotas: dict[str, QuotaRequest] = field(default_factory=dict)
    _rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    _deeds: dict[tuple[datetime, str], Deed] = field(default_factory=dict)
    _spoilt: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def open(self, machine: Machine, *, request: str, twin: str, now: datetime) -> Accepted:
        """Record a new machine with its request, twin and name, or nothing at all."""
        with self._lock:
            known = self._requests.get(request) or self._twin_of(machine, request, twin, now)
            if known is not None:
                self._readable(f"machine/{known}")
                return Accepted(machine=self._machines[known], fresh=False)
            if machine.name in self._names:
                raise NameTaken(machine.name)
            new = replace(machine, version=1)
            self._machines[new.id] = new
            self._requests[request] = new.id
            self._twins[twin] = (new.id, now + TWIN_FOR)
            self._names[new.name] = new.id
            self.writes += 1
            return Accepted(machine=new, fresh=True)

    def _twin_of(self, machine: Machine, request: str, twin: str, now: datetime) -> str | None:
        """A machine of that id or of the same words; the request is that machine's from now on."""
        if machine.id in self._machines:
            return machine.id
        first, until = self._twins.get(twin, (None, now))
        if first is None or until <= now:
            return None
        self._requests[request] = first
        return first

    def forget(self) -> None:
        """Lose every machine, as when the table is restored from an older copy."""
        with self._lock:
            for known in (self._machines, self._requests, self._twins, self._names):
                known.clear()
            self._instances.clear()

    def make_unreadable(self, key: str) -> None:
        """Another version has written that row (`machine/<id>`, `quota/…`, `bill/<machine>`,
        `audit/<id>`, `<kind>/<key>`): it can be read by nobody until it is written again."""
        with self._lock:
            self._spoilt.add(key)

    def make_readable(self, key: str) -> None:
        """That row can be read again, as after the deployment of the newer version."""
        with self._lock:
            self._spoilt.discard(key)

    def _readable(self, key: str) -> None:
        if key in self._spoilt:
            raise UnreadableRow(key)

    def machine(self, id: str) -> Machine | None:
        """The newest row."""
        with self._lock:
            self._readable(f"machine/{id}")
            return self._machines.get(id)

    def save(self, machine: Machine, seen: Machine) -> Machine:
        """Write if nobody wrote since `seen`; a final machine gives up its name."""
        if (machine.id, machine.name, machine.owner) != (seen.id, seen.name, seen.owner):
            raise ValueError(f"{seen.id}: id, name and owner of a machine never change")
        with self._lock:
            known = self._machines.get(seen.id)
            if known is None or known.version != seen.version:
                raise StaleRow(seen.id)
            new = replace(machine, version=seen.version + 1)
            self._machines[new.id] = new
            self._spoilt.discard(f"machine/{new.id}")
            if new.state in FINAL and self._names.get(new.name) == new.id:
                del self._names[new.name]
            self._instances.update(dict.fromkeys((one.id for one in new.instances), new.id))
            self.writes += 1
            return new

    def named(self, name: str) -> Machine | None:
        """The live machine of that name."""
        with self._lock:
            id = self._names.get(name)
            return self.machine(id) if id else None

    def of_owner(self, user: str, *, whole: bool = False) -> tuple[Machine, ...]:
        """The person's live machines, oldest first."""
        return self._living(user, whole=whole)

    def live(self) -> tuple[Machine, ...]:
        """Every machine that is not final, oldest first."""
        return self._living()

    def _living(self, user: str = "", *, whole: bool = False) -> tuple[Machine, ...]:
        with self._lock:
            every = [m for m in self._machines.values() if m.state not in FINAL]
            mine = [m for m in every if user in ("", m.owner)]
            living = [m for m in mine if self._can_be_read(f"machine/{m.id}", whole=whole)]
        return tuple(sorted(living, key=lambda m: (m.created_at, m.id)))

    def _can_be_read(self, key: str, *, whole: bool) -> bool:
        if whole:
            self._readable(key)
        return key not in self._spoilt

    def everything(self) -> tuple[Machine, ...]:
        """Every machine that ever was, oldest first: what tests hold their invariants against."""
        with self._lock:
            return tuple(sorted(self._machines.values(), key=lambda m: (m.created_at, m.id)))

    def by_instance(self, instance: str) -> Machine | None:
        """The machine that an EC2 instance belongs to, final or not."""
        with self._lock:
            id = self._instances.get(instance)
            return self.machine(id) if id else None

    def watched(self) -> Mapping[str, datetime]:
        """Every machine that is not final or owes words, and when it is due."""
        with self._lock:
            rows = tuple(self._machines.values())
        due = ((m.id, m.due_at or (None if m.state in FINAL else NEVER)) for m in rows)
        return {id: at for id, at in due if at is not None}

    def machines(self, ids: Sequence[str]) -> Mapping[str, Machine | UnreadableRow]:
        """The newest rows, one by one, so that one that a test has spoilt spoils no other."""
        found: dict[str, Machine | UnreadableRow] = {}
        for id in ids:
            try:
                m = self.machine(id)
            except UnreadableRow as error:
                found[id] = error
            else:
                found.update({id: m} if m else {})
        return found

    def owners(self, instances: Sequence[str]) -> Mapping[str, str]:
        """Of which machines instances are or were."""
        with self._lock:
            return {one: self._instances[one] for one in instances if one in self._instances}

    def due(self, now: datetime) -> tuple[str, ...]:
        """Keys whose time has come, the longest overdue first."""
        return tuple(key for at, key in sorted(self._appointments()) if at <= now)

    def next_due(self) -> datetime | None:
        """When the next of all is due: a simulated clock jumps there."""
        return min((at for at, _ in self._appointments()), default=None)

    def _appointments(self) -> list[tuple[datetime, str]]:
        with self._lock:
            rows = [(m.due_at, f"machine/{m.id}") for m in self._machines.values()]
            rows += [(q.due_at, f"quota/{q.key}") for q in self._quotas.values()]
            rows += [(r.due_at, f"{kind}/{key}") for (kind, key), r in self._rows.items()]
            rows += [
                (min((a.until for a in p.accesses), default=None), f"profile/{p.user}")
                for p in self._profiles.values()
            ]
        return [(at, key) for at, key in rows if at is not None]

    def profile(self, user: str) -> Profile:
        """What the person has told; version 0 where nothing is stored."""
        with self._lock:
            return self._profiles.get(user, Profile(user=user))

    def save_profile(self, profile: Profile, seen: Profile) -> Profile:
        """Write if nobody wrote since `seen`."""
        with self._lock:
            if self.profile(seen.user).version != seen.version:
                raise StaleRow(seen.user)
            new = replace(profile, version=seen.version + 1)
            self._profiles[new.user] = new
            self.writes += 1
            return new

    def quota_request(self, key: str) -> QuotaRequest | None:
        """The latest request for that quota, decided or not."""
        with self._lock:
            self._readable(f"quota/{key}")
            return self._quotas.get(key)

    def save_quota_request(self, request: QuotaRequest, seen: QuotaRequest | None) -> QuotaRequest:
        """Write if nobody wrote since `seen`; None: if there is none yet."""
        version = seen.version if seen else 0
        with self._lock:
            known = self._quotas.get(request.key)
            if (known.version if known else 0) != version:
                raise StaleRow(request.key)
            new = replace(request, version=version + 1)
            self._quotas[new.key] = new
            self._spoilt.discard(f"quota/{new.key}")
            self.writes += 1
            return new

    def quota_requests(self) -> tuple[QuotaRequest, ...]:
        """Those that AWS has still to decide, the oldest first."""
        with self._lock:
            every = [r for r in self._quotas.values() if r.status.is_open]
            found = [r for r in every if f"quota/{r.key}" not in self._spoilt]
        return tuple(sorted(found, key=lambda r: r.asked_at))

    def row(self, kind: type[R], key: str) -> R | None:
        """The newest row of that kind and key."""
        with self._lock:
            self._readable(f"{ROW_NAMES[kind]}/{key}")
            return cast("R | None", self._rows.get((ROW_NAMES[kind], key)))

    def rows(self, kind: type[R], *, whole: bool = False) -> tuple[R, ...]:
        """Every row of a kind, by key."""
        with self._lock:
            every = [(k, r) for k, r in self._rows.items() if k[0] == ROW_NAMES[kind]]
            found = [(k, r) for k, r in every if self._can_be_read("/".join(k), whole=whole)]
        return tuple(cast("R", row) for _, row in sorted(found, key=lambda one: one[0]))

    def save_row(self, new: R, seen: R | None) -> R:
        """Write if nobody wrote since `seen`; None: if there is none yet."""
        version = seen.version if seen else 0
        with self._lock:
            known = self._rows.get((ROW_NAMES[type(new)], new.key))
            if (known.version if known else 0) != version:
                raise StaleRow(new.key)
            row: Any = replace(cast("Any", new), version=version + 1)
            self._rows[ROW_NAMES[type(new)], new.key] = row
            self._spoilt.discard(f"{ROW_NAMES[type(new)]}/{new.key}")
            self.writes += 1
            return cast("R", row)

    def drop_row(self, seen: Row) -> None:
        """Delete it if nobody wrote since; one that is gone already is no error."""
        with self._lock:
            known = self._rows.get((ROW_NAMES[type(seen)], seen.key))
            if known is not None and known.version != seen.version:
                raise StaleRow(seen.key)
            self._rows.pop((ROW_NAMES[type(seen)], seen.key), None)
            self.writes += 1

    def bills(self, since: datetime, until: datetime) -> tuple[Bill, ...]:
        """Of every machine that ended between the two, oldest first."""
        with self._lock:
            final = [
                m for m in self._machines.values() if m.state in FINAL and (m.runs or m.stores)
            ]
            final = [m for m in final if f"bill/{m.id}" not in self._spoilt]
        found = [(bill.ended_at, bill) for bill in map(bill_of, final) if bill.ended_at]
        ordered = sorted(found, key=lambda one: (one[0], one[1].machine))
        return tuple(bill for at, bill in ordered if since <= at <= until)

    def add_deed(self, deed: Deed) -> None:
        """One more line; the same line again changes nothing."""
        with self._lock:
            self._deeds.setdefault((deed.at, deed.id), deed)

    def deeds(self, since: datetime, until: datetime) -> tuple[Deed, ...]:
        """The lines from `since` on and before `until`, oldest first."""
        with self._lock:
            every = sorted(self._deeds.items())
            found = [one for one in every if f"audit/{one[0][1]}" not in self._spoilt]
        return tuple(deed for (at, _), deed in found if since <= at < until)
