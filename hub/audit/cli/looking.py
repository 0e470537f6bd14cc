"""`replay`, `accesses`, `diff`: what was so at a time, who looked, and what changed."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from contracts.names import InstitutionId, SubjectId, UnitId
from hub.audit.accesses import Access, Asked, KnownUnits, accesses
from hub.audit.balp import audit_events
from hub.audit.bundle import Bundle
from hub.audit.cli.screen import (
    AsJson,
    BundleFolder,
    ProvingPolicy,
    Subject,
    out,
    progress_of,
    read_policy,
    say_json,
    table,
)
from hub.audit.difference import Difference, difference, differences
from hub.audit.history import histories_of, history_of
from hub.audit.moments import begin_of, end_of, zone_of
from hub.audit.replay import replay_history
from hub.audit.replay_report import as_document, as_tables

_MOMENT: Final = "A day, or an instant with its offset: 2026-06-03, 2026-06-03T12:00:00+02:00."
_NOT_PROVEN: Final = "Believed as the export says it. Verify the export first, or name --policy FILE: then each row that is read is proven."
_PROVEN: Final = "Each row that was read is proven to stand in the ledger, under a checkpoint that the policy accepts."
_AS_REPORTED: Final = "Reads are as the readers' own systems reported them; who else could have read what stands in `spojka-audit replay`."
Since = Annotated[str, typer.Option("--from", help=_MOMENT)]
Until = Annotated[str, typer.Option("--to", help=_MOMENT)]


def replay(
    bundle: BundleFolder,
    *,
    subject: Subject,
    at: Annotated[str, typer.Option(help=f"As of when; of a day, its end. {_MOMENT}")],
    policy: ProvingPolicy = None,
    as_json: AsJson = False,
) -> None:
    """What the log said about a client at a time: reasons to share, who could see which entry and why, who looked, open duties.

    Reads the client's own rows alone, however large the export is.
    """
    opened = Bundle.open(bundle)
    trusted = None if policy is None else read_policy(policy)
    history = history_of(opened, SubjectId(subject), trusted)
    found = replay_history(history, end_of(at, zone_of(opened.first_list)))
    if as_json:
        say_json(as_document(found))
        return
    for one in as_tables(found):
        out.print(one)
    out.print(_NOT_PROVEN if trusted is None else _PROVEN, markup=False, soft_wrap=True)


def accesses_of(  # noqa: PLR0913 - what an auditor may narrow by
    bundle: BundleFolder,
    *,
    subject: Annotated[str | None, typer.Option(help="About this client only; reads that client's rows alone.")] = None,
    institution: Annotated[str | None, typer.Option(help="Readers of this institution only.")] = None,
    unit: Annotated[str | None, typer.Option(help="Readers of this unit only.")] = None,
    since: Annotated[str | None, typer.Option("--from", help=_MOMENT)] = None,
    until: Annotated[str | None, typer.Option("--to", help=_MOMENT)] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Refused attempts only.")] = False,
    balp: Annotated[bool, typer.Option("--balp", help="As FHIR AuditEvents, one a line.")] = False,
    as_json: AsJson = False,
) -> None:
    """Who read or tried to read what about whom: refused attempts, and what was opened in an emergency, are marked."""
    opened = Bundle.open(bundle)
    zone = zone_of(opened.first_list)
    asked = Asked(
        institution=None if institution is None else InstitutionId(institution),
        unit=None if unit is None else UnitId(unit),
        since=None if since is None else begin_of(since, zone),
        until=None if until is None else end_of(until, zone),
        refused_only=refused,
    )
    if asked.since is not None and asked.until is not None and asked.until < asked.since:
        raise typer.BadParameter("--to lies before --from")
    found = sorted(_accesses(opened, subject, asked, quiet=as_json or balp), key=lambda one: (one.at, one.position))
    if balp:
        for event in (event for one in found for event in audit_events(one)):
            sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
    elif as_json:
        say_json([_plain(asdict(one)) for one in found])
    else:
        _show_accesses(found, zone)


def _accesses(opened: Bundle, subject: str | None, asked: Asked, *, quiet: bool) -> Iterator[Access]:
    known: KnownUnits | None = None
    with progress_of("reading", opened.manifest.rows, quiet=quiet or subject is not None) as progress:
        some = histories_of(opened, progress=progress) if subject is None else [history_of(opened, SubjectId(subject))]
        for history in some:
            if known is None:  # the lists are the same for all
                known = KnownUnits(history.timeline.directories)
                _check_known(asked, known)
            yield from accesses(history.entries, known, asked)


def _check_known(asked: Asked, known: KnownUnits) -> None:
    """Whoever mistypes a name must not conclude that nobody looked."""
    for option, typed, names in (
        ("--institution", asked.institution, known.institutions),
        ("--unit", asked.unit, known.units),
    ):
        if typed is not None and typed not in names:
            raise typer.BadParameter(
                f"no trust list names {typed}; there are {', '.join(sorted(names))}", param_hint=option
            )


def _show_accesses(found: list[Access], zone: ZoneInfo) -> None:
    if not found:
        out.print(f"No access fits what was asked for. {_AS_REPORTED}", markup=False, soft_wrap=True)
        return
    rows = [
        (
            f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}\n{one.subject}",
            f"{one.reader}\n{one.unit if one.institution_name is None else f'{one.unit_name} ({one.institution_name})'}",
            _outcome(one) + (f": {one.reason}" if one.reason else ""),
            one.purpose or f"audit: {one.audit}",
            _seen(one),
        )
        for one in found
    ]
    headings = ("when, about whom", "who looked", "outcome", "purpose", "what")
    out.print(table(f"{len(found)} accesses, times of {zone.key}", headings, rows, whole=headings[:1]))
    out.print(_AS_REPORTED, markup=False, soft_wrap=True)


def _seen(access: Access) -> str:
    """Of others only the entries are counted: a unit's own are its own business."""
    entries = f"{len(access.entries)} of others" if access.entries else ""
    return "\n".join(part for part in (", ".join(access.categories), entries) if part)


def _outcome(access: Access) -> str:
    if access.judged is not None:
        return f"emergency judged {access.judged}"
    if access.refused:
        return "refused"
    said = "emergency" if access.break_glass else "read"
    return said if access.hidden_until is None else f"{said}, hidden until {access.hidden_until.date()}"


def diff(
    bundle: BundleFolder,
    *,
    since: Since,
    until: Until,
    subject: Annotated[str | None, typer.Option(help="About this client only; reads that client's rows alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """What changed for whom between two moments: reasons to share, who could see what, referrals, duties. Of days, from end to end."""
    opened = Bundle.open(bundle)
    zone = zone_of(opened.first_list)
    begin, end = end_of(since, zone), end_of(until, zone)
    if end < begin:
        raise typer.BadParameter("--to lies before --from")
    found = list(_differences(opened, subject, begin, end, quiet=as_json))
    if as_json:
        say_json([_plain(asdict(one)) for one in found])
        return
    if not found:
        out.print("Nothing changed.")
    for one in found:
        _show_difference(one)


def _differences(
    opened: Bundle, subject: str | None, begin: datetime, end: datetime, *, quiet: bool
) -> Iterator[Difference]:
    if subject is not None:
        yield from (one for one in [difference(history_of(opened, SubjectId(subject)), begin, end)] if not one.empty)
        return
    with progress_of("comparing", opened.manifest.rows, quiet=quiet) as progress:
        yield from differences(histories_of(opened, progress=progress), begin, end)


def _show_difference(found: Difference) -> None:
    rows: list[tuple[str, str, str, str]] = [
        ("reason to share", one.change.value, one.collector, one.ground_id) for one in found.grounds
    ]
    rows += [
        ("could see", "now" if one.gained else "no more", one.unit, f"{one.category} of {one.author}: {one.message_id}")
        for one in found.sight
    ]
    rows += [
        ("referral", f"{one.before or 'new'} → {one.after}", one.source, f"to {one.target or 'outside'}")
        for one in found.referrals
    ]
    rows += [
        ("duty to erase", f"{one.before or 'new'} → {one.after}", one.unit, one.obligation_id)
        for one in found.obligations
    ]
    rows += [("restriction", "set" if held else "lifted", unit, "") for unit, held in found.restricted_by]
    if found.looks:
        rows.append(("looks", str(found.looks), "", ""))
    out.print(table(found.subject, ("what", "change", "unit", "which"), rows))


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(one) for one in value]
        case datetime():
            return value.isoformat()
        case _:
            return value
