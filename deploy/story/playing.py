"""The whole play: start everything, play every row, look, come to rest, judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts.names import SubjectId
from deploy.story.auditing import audit
from deploy.story.checks import counted, judged
from deploy.story.errors import StoryError
from deploy.story.faults import Faults
from deploy.story.ink import Ink
from deploy.story.looks import Looks, documents, look
from deploy.story.places import UNITS
from deploy.story.premises import Premises
from deploy.story.promises.finding import Promise
from deploy.story.screens import Progress
from deploy.story.script import ROWS
from deploy.story.stage import TownStage
from deploy.story.stores import Stores, read_hub, read_observed, read_unit
from hub.audit.verification import Report


@dataclass(frozen=True, slots=True)
class Played:
    """What the play came to."""

    promises: Sequence[Promise]
    looks: Looks
    events: dict[str, int]
    karel: SubjectId

    @property
    def held(self) -> bool:
        """Whether every promise was."""
        return all(one.held for one in self.promises)

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "promises": [one.document() for one in self.promises],
            "institutions": documents(self.looks),
            "events": self.events,
        }


def open_premises(premises: Premises, progress: Progress) -> None:
    """Start the servers, set everything up, start the processes."""
    progress.say("Starting broker and PostgreSQL …")
    premises.start_servers()
    progress.say("Setting up the hub, enrolling and admitting five units of four institutions …")
    premises.set_up_hub()
    premises.admit()
    premises.start_hub()
    premises.start_keys()
    premises.hub_command("trust-list", "publish")
    for institution in premises.adapters:
        premises.start_adapter(institution)


def play(premises: Premises, progress: Progress, ink: Ink) -> Played:
    """Play the story. Raises `StoryError`."""
    with TownStage(premises, mishaps=Faults, ink=ink) as stage:
        stage.settle()
        stage.reload_directories()
        for row in ROWS:
            progress.row(row)
            stage.play(row)
        looks = look(stage)
        stage.settle()
        stores = read(stage, audit(premises, stage.houses.values()))
    return Played(judged(stores), looks, dict(counted(stores)), stores.karel)


def read(stage: TownStage, report: Report) -> Stores:
    """Everything that the processes stored."""
    units = {unit: read_unit(house, client=UNITS[unit].case_number) for unit, house in stage.houses.items()}
    known = {one.karel for one in units.values() if one.karel is not None}
    if len(known) != 1:
        raise StoryError(f"Karel is {len(known)} people, not one.")
    directory = next(iter(stage.houses.values())).directory
    return Stores(
        hub=read_hub(stage.premises.dsn, stage.premises.mapper),
        units=units,
        directory=directory,
        zone=directory.zone,
        karel=known.pop(),
        observed=read_observed(stage.premises.exports),
        audit=report,
    )
