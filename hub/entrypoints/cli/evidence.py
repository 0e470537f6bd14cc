"""`spojka-hub access` and `spojka-hub obligations`: what the hub's read models say.

Invariants: whoever looks is in each client's history before anything shows; access lines have the shape of the Estonian data tracker (logtime,
action, receiver code, name, system) plus purpose, categories, referral and ground; read models may lag behind the log, by how much is said where it
is more than nothing.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from contracts.code_lists import codes
from contracts.names import Subject, SubjectId
from hub.application.ports import HubError
from hub.domain.shards import shard_of
from hub.entrypoints.cli.opening import AsJson, Home, databases, house_of, listed_of, out
from hub.entrypoints.house import House
from hub.entrypoints.operators_looks import OperatorsLook, put_on_record
from hub.infrastructure.postgres.read_models import ReadModels
from projections.access_report import AccessRecord, access_history
from projections.client_accesses import client_view
from projections.obligations import ObligationRecord, ObligationState, obligations, overdue

Document = Mapping[str, object]
_PURPOSES: Final = codes("audit-purpose")


def _name(typed: str) -> str:
    if _NAMED.fullmatch(typed) is None:
        raise typer.BadParameter("letters, digits, dot, hyphen and underscore, at most 60")
    return typed


def _code(typed: str) -> str:
    if typed not in _PURPOSES:
        raise typer.BadParameter(f"one of {', '.join(sorted(_PURPOSES))}")
    return typed


_NAMED: Final = re.compile(r"[A-Za-z0-9._-]{1,60}")
By = Annotated[str, typer.Option(help="Who looks: a name or a number. It is on record.", callback=_name)]
WhatFor = Annotated[
    str, typer.Option(help=f"What for: {', '.join(sorted(_PURPOSES))}. It is on record.", callback=_code)
]


class NotASubjectError(HubError):
    """What was typed is no subject."""


def access(  # noqa: PLR0913, PLR0917 - one option a field
    subject: Annotated[str, typer.Argument(help="The client's pseudonym: r1.… or h1.…")],
    by: By,
    purpose: WhatFor,
    as_json: AsJson = False,  # noqa: FBT002 - a command-line flag
    for_client: Annotated[bool, typer.Option("--for-client", help="As JSON that the client may read.")] = False,  # noqa: FBT002 - as above
    home: Home = None,
) -> None:
    """Who looked at a client's data, who tried to, and who was given what, under which ground.

    With --for-client as a list to hand on: without what a law still hides from the client, and without workers' pseudonyms. The client's unit
    prints it (`spojka-adapter report accesses CLIENT --from-hub FILE`). The look is on record before anything shows.
    """
    asked = _subject(subject)
    house = house_of(home)
    put_on_record(house, [asked], OperatorsLook(by, purpose, "accesses"))
    listed = listed_of(house)
    database = databases(house)[shard_of(asked, partitions=listed.partitions, shards=listed.shards)]
    models = ReadModels(database, house.mapper())
    records = models.ask(lambda connection: access_history(connection, asked))
    if for_client:
        view = client_view(records, programme=listed.programme, subject=asked, at=house.clock.now())
        sys.stdout.write(view.model_dump_json(indent=1, exclude_none=True) + "\n")
        return
    if as_json:
        _write([_access_document(one) for one in records])
        return
    table = Table("logtime", "action", "receiver", "system", "purpose", "categories", "outcome", "ground", title=asked)
    for one in records:
        table.add_row(
            one.logtime.isoformat(timespec="seconds"),
            one.action,
            f"{one.receiver_name or one.receiver_code}{f' ({one.reader})' if one.reader else ''}",
            one.system,
            one.purpose or one.audit or "",
            ", ".join(one.categories),
            _outcome(one),
            one.ground_id or "",
        )
    out.print(table)
    _tell_lag(house, [models])


def _outcome(one: AccessRecord) -> str:
    plain = one.reason is None or one.emergency is not None
    parts = [one.outcome if plain else f"{one.outcome}: {one.reason}"]
    if one.emergency is not None:
        parts.append(f"emergency {one.emergency}{'' if one.judged is None else f', {one.judged}'}")
    if one.hidden_until is not None:
        parts.append(
            f"hidden from the client until {one.hidden_until.isoformat(timespec='minutes')} ({one.hidden_basis})"
        )
    return "; ".join(parts)


def list_obligations(
    by: By,
    purpose: WhatFor,
    only_overdue: Annotated[bool, typer.Option("--overdue", help="Only those that nobody answered in time.")] = False,  # noqa: FBT002 - a command-line flag
    as_json: AsJson = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """Which unit must erase what, what it stated, and what is overdue. The look is on record, for each client, before anything shows."""
    house = house_of(home)
    at = house.clock.now()
    shards = [ReadModels(database, house.mapper()) for database in databases(house)]
    question = overdue if only_overdue else obligations
    found = [one for models in shards for one in models.ask(lambda connection: question(connection, at=at))]
    put_on_record(house, [one.subject for one in found], OperatorsLook(by, purpose, "duties"))
    rows = sorted(((one, one.state(at)) for one in found), key=lambda row: (row[0].due, row[0].obligation_id))
    if as_json:
        _write([_obligation_document(one, state) for one, state in rows])
        return
    table = Table("due", "state", "unit", "subject", "entries", "categories", "because", "statement")
    for one, state in rows:
        day = one.due.date().isoformat()
        categories = ", ".join(one.categories)
        table.add_row(day, state, one.unit, one.subject, str(one.entries), categories, one.because, one.statement or "")
    out.print(table)
    _tell_lag(house, shards)


def _subject(typed: str) -> SubjectId:
    try:
        return TypeAdapter(Subject).validate_python(typed)
    except ValidationError as error:
        raise NotASubjectError(
            "That is no subject.", advice="Give the pseudonym as messages bear it: r1.… or h1.…"
        ) from error


def _access_document(one: AccessRecord) -> Document:
    return {
        "logtime": one.logtime.isoformat(),
        "action": one.action,
        "receiver_code": one.receiver_code,
        "receiver_name": one.receiver_name,
        "system": one.system,
        "purpose": one.purpose,
        "audit": one.audit,
        "referral": one.referral_id,
        "outcome": one.outcome,
        "reason": one.reason,
        "institution": one.institution,
        "reader": one.reader,
        "source": one.source,
        "categories": one.categories,
        "entries": one.entries,
        "ground": one.ground_id,
        "emergency": one.emergency,
        "judged": one.judged,
        "hidden_basis": one.hidden_basis,
        "hidden_until": None if one.hidden_until is None else one.hidden_until.isoformat(),
        "position": one.position,
    }


def _obligation_document(one: ObligationRecord, state: ObligationState) -> Document:
    moments = {"opened": one.opened_at, "due": one.due, "answered": one.answered_at, "kept_until": one.kept_until}
    return {
        "obligation": one.obligation_id,
        "state": state,
        "unit": one.unit,
        "subject": one.subject,
        "ground": one.ground_id,
        "because": one.because,
        "categories": one.categories,
        "entries": one.entries,
        "statement": one.statement,
        "basis": one.basis,
        "entries_stated": one.entries_stated,
        "exports_stated": one.exports_stated,
        "position": one.opened_position,
        **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
    }


def _write(documents: Sequence[Document]) -> None:
    sys.stdout.write(json.dumps(documents, ensure_ascii=False, indent=1) + "\n")


def _tell_lag(house: House, shards: Sequence[ReadModels]) -> None:
    now = house.clock.now()
    behind = sum(max(lag.items for lag in models.lag(now).values()) for models in shards)
    if behind:
        out.print(f"{behind} event(s) of the log are not in it yet: does `spojka-hub run --role projections` run?")
