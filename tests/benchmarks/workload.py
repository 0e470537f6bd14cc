"""What the benchmarks send: 1 KiB signed messages of one unit about many clients, each client with a consent and entries under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.grants import Grant, to_unit
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import GroundId, SubjectId, UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import MAX_BATCH, SignedBytes, sign_batch, sign_one
from tests.simulation.programme import START, Simulation

AT = START + timedelta(days=39)
"""When the workload was made, and the time on the hub's story clock."""
_PER_CLIENT = 50
_LETTERS = "abcdefghij"
_TEXT = "x" * 560


@dataclass(frozen=True, slots=True)
class Keyed:
    """A signed message with its record key."""

    key: str
    signed: SignedBytes


def subject(number: int) -> SubjectId:
    """A wire subject that stands for a number."""
    return SubjectId("r1." + "".join(_LETTERS[int(digit)] for digit in f"{number:026d}"))


def workload(simulation: Simulation, count: int, *, batched: bool, per_client: int = _PER_CLIENT) -> list[Keyed]:
    """`count` messages of unit `op`, of which `vz` may receive all; signed one by one, or 256 under one signature."""
    simulation.clock.at = AT
    keys, payloads = [], []
    for number in range(count):
        client = subject(number // per_client)
        keys.append(client)
        payloads.append(payload_of(simulation, client, first=number % per_client == 0))
    return [Keyed(key, signed) for key, signed in zip(keys, sign(simulation, payloads, batched=batched), strict=True)]


def payload_of(simulation: Simulation, client: SubjectId, *, first: bool) -> bytes:
    """A client's consent, or an entry under it."""
    if not first:
        content = NeedContent(finding=_TEXT)
        facts = NeedAssessed(dimension="skills")
        return simulation.unsigned("op", facts, category=Category.SKILLS, content=content, subject=client)[1]
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId("vz")),
        categories=(Category.SKILLS,),
        until=START + timedelta(days=300),
        history_from=START,
    )
    given = on_paper(GroundId(simulation.next_id()), grant)
    return simulation.unsigned("op", given, subject=client)[1]


def sign(simulation: Simulation, payloads: Sequence[bytes], *, batched: bool) -> list[SignedBytes]:
    """One by one, or 256 under one signature."""
    key = simulation.units["op"].key
    if not batched:
        return [sign_one(payload, key, PayloadType.CLOUDEVENT) for payload in payloads]
    parts = (payloads[start : start + MAX_BATCH] for start in range(0, len(payloads), MAX_BATCH))
    return [signed for part in parts for signed in sign_batch(part, key)]
