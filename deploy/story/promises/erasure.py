"""Promise 4: erasure is real, and the evidence survives it."""

from collections.abc import Mapping

from adapters.storage.journal import EntryKind
from contracts.messages.hub import ObligationOpened
from contracts.messages.obligation import ObligationAnswered
from contracts.names import MessageId, ObligationId
from deploy.story.expected import OBLIGATIONS
from deploy.story.naming import day_of
from deploy.story.promises.finding import Finding, Promise
from deploy.story.stores import Stores


def judge(stores: Stores) -> Promise:
    """Every duty to erase against the databases of the units that had it."""
    finding = Finding("4-erasure", "Erasure is real, and the evidence survives it")
    opened = {
        (day_of(one.event, stores), str(one.message.facts.unit)): one.message.facts
        for one in stores.hub.log
        if one.message is not None and isinstance(one.message.facts, ObligationOpened)
    }
    finding.same(set(opened), OBLIGATIONS, "duties to erase, by day and unit")
    answers = _answers(stores)
    gone = 0
    for (day, unit), duty in opened.items():
        answer = answers.get(duty.obligation_id)
        finding.must(answer is not None and answer.statement == "erased", f"{unit}'s duty of {day} is not answered")
        gone += _erased(stores, unit, duty, finding)
    finding.fact(
        f"{len(opened)} duties opened by withdrawals, all answered; {gone} entries gone from the units' databases"
    )
    finding.fact(f"the log still holds {_still_logged(stores, opened)} of them as evidence, their content sealed")
    return finding.promise()


def _answers(stores: Stores) -> Mapping[ObligationId, ObligationAnswered]:
    facts = [one.message.facts for one in stores.hub.log if one.message is not None]
    return {one.obligation_id: one for one in facts if isinstance(one, ObligationAnswered)}


def _erased(stores: Stores, unit: str, duty: ObligationOpened, finding: Finding) -> int:
    journal = next(found for name, found in stores.units.items() if name == unit).journal
    named = [one for one in journal if one.message_id in duty.entries]
    for one in named:
        gone = one.kind is EntryKind.ERASED and one.payload is None
        finding.must(gone or one.kind is EntryKind.OWN, f"{unit} still has {one.message_id}")
    finding.must(any(one.kind is EntryKind.ERASED for one in named), f"{unit} had nothing to erase")
    return sum(one.kind is EntryKind.ERASED for one in named)


def _still_logged(stores: Stores, opened: Mapping[tuple[str, str], ObligationOpened]) -> int:
    ids: set[MessageId] = {one.message.id for one in stores.hub.log if one.message is not None}
    return len({entry for duty in opened.values() for entry in duty.entries} & ids)
