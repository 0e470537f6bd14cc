"""How the connection is, and what waits to be sent.

Invariant: counts and coded states only; nothing here is a look at a client.
"""

import json
import sys

import typer

from adapters.cli.answers import NOT_WELL, as_json, show
from adapters.cli.opening import AsJson, Home, Lang, Opened, Unit, opened
from adapters.process.unit_health import FollowerState, UnitState, state_of
from adapters.storage.polls import KeptPoll
from contracts.envelope import parse_attributes
from projections.process.health import Health


def health(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """How this unit is: what waits, what a person should look at, and whether entries of others show.

    Exit code 1 where the unit is not working with the hub.
    """
    with opened(home, unit, lang) as here:
        state = state_of(here.house)
        found = state.health()
        if as_lines:
            sys.stdout.write(json.dumps({"status": found.status, **found.checks}) + "\n")
        else:
            _shown(here, state, found)
    if found.status == "fail":
        raise typer.Exit(NOT_WELL)


def _shown(here: Opened, state: UnitState, found: Health) -> None:
    rows = [
        [here.words[f"check.{name}"], _said(here, value)]
        for name, value in found.checks.items()
        if name not in ("followers", "polls")
    ]
    rows += [[one.name, _follower_said(here, one)] for one in state.followers]
    rows += [[one.name, _poll_said(here, one)] for one in state.polls]
    rows.insert(0, [here.house.unit, here.words[f"status.{found.status}"]])
    if state.others_hidden is not None:
        here.out.print(here.words[f"hidden.{state.others_hidden}"], markup=False)
    show(here, "health", ("what", "unit-state"), [row for row in rows if row[1]])


def outbox(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """What waits to be sent, and what was sent and has no receipt yet."""
    with opened(home, unit, lang) as here, here.house.store.read() as tx:
        waiting = [*tx.outbox.open_messages(), *tx.outbox.next_to_send(1000)]
        rows = []
        for one in waiting:
            attributes, _ = parse_attributes(one.signed.payload)
            client = None if attributes.subject is None else tx.clients.client_of(attributes.subject)
            rows.append((one, attributes, client))
        if as_lines:
            as_json(
                [
                    {"id": one.message_id, "type": attributes.type, "client": client, "state": one.state.value,
                     "queued_at": one.queued_at, "attempts": one.attempts}
                    for one, attributes, client in rows
                ]
            )  # fmt: skip
            return
        show(
            here,
            "outbox",
            ("when", "what", "client", "standing"),
            [
                [
                    here.local(one.queued_at),
                    here.words.of_type(attributes.type),
                    client or "",
                    here.words[f"state.{one.state.value}"],
                ]
                for one, attributes, client in rows
            ],
        )


def _follower_said(here: Opened, one: FollowerState) -> str:
    if one.problem is not None:
        return f"{here.words['follower.stopped']}: {one.problem}"
    return f"{here.words['follower.behind']}: {one.behind}" if one.behind else here.words["follower.current"]


def _poll_said(here: Opened, one: KeptPoll) -> str:
    if one.problem is not None:
        return f"{here.words['follower.stopped']}: {one.problem}"
    return "" if one.polled_at is None else f"{here.words['poll.last']}: {here.local(one.polled_at)}"


def _said(here: Opened, value: object) -> str:
    match value:
        case bool():
            return here.words["yes" if value else "no"]
        case None:
            return ""
        case dict():
            return ", ".join(str(count) for count in value.values())
        case _:
            return str(value)
