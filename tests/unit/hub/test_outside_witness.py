"""A witness that somebody else runs takes part by the published protocol: it cosigns what follows; whatever else it answers counts for nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from contracts.ledger import policy, signed_note
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.signed_note import NoteSigner, SignatureType
from contracts.ledger.witnessing import WitnessError, parse, to_cosign
from hub.audit.policy_text import policy_text
from hub.infrastructure.outside_witness import OutsideWitness, OutsideWitnessError
from tests.simulation.exported import SIGNER
from tests.unit.hub.test_announcing import KEYS, OP, UP, WITNESSES, Speaking

OUTSIDER = NoteSigner("witness.example", b"\x77" * 32, SignatureType.COSIGNATURE)


@dataclass
class Witness:
    """A witness as C2SP tlog-witness has it, by `contracts.ledger.witnessing`."""

    last: Checkpoint | None = None
    signer: NoteSigner = OUTSIDER
    asked: list[int] = field(default_factory=list)
    broken: bool = False
    instead: str = ""
    """What it signs in place of what it was asked about."""

    def answer(self, body: str) -> tuple[int, str]:
        request = parse(body)
        self.asked.append(request.old)
        try:
            found = to_cosign(request, logs=[SIGNER.key], last=self.last)
        except WitnessError as error:
            return int(error.answer), "" if error.size is None else f"{error.size}\n"
        self.last = found
        return (500, "") if self.broken else (200, self.signer.sign(self.instead or request.note.text, at=5).line)


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def address(witness: Witness) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, text = witness.answer(body) if self.path == "/add-checkpoint" else (404, "")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def told(speaking: Speaking) -> signed_note.Note:
    found = speaking.announcer.told
    assert found is not None
    return found


def test_an_outside_witness_cosigns_each_announced_checkpoint_once(witness: Witness, address: str) -> None:
    speaking, outside = Speaking(), OutsideWitness.of(f"{OUTSIDER.key.text} {address}")
    speaking.grow(10)
    speaking.said()
    speaking.announcer.cosign(outside.ask(told(speaking), speaking.announcer.proof))
    assert outside.ask(told(speaking), speaking.announcer.proof) == [], "it gave it before"
    speaking.grow(7)
    speaking.now = 40.0
    speaking.said()
    speaking.announcer.cosign(outside.ask(told(speaking), speaking.announcer.proof))
    assert witness.asked == [0, 10]
    speaking.testify(OP, UP)
    (_, size, cosignatures) = speaking.said()[0]
    assert (size, cosignatures) == (17, 3)
    units = [KEYS[unit].key for unit in WITNESSES]
    both = policy.parse(policy_text(SIGNER.key, units=units, outside=[OUTSIDER.key]))
    assert both.accept(told(speaking)).size == 17


def test_a_hub_that_was_restarted_meets_an_outside_witness_where_it_stands(witness: Witness, address: str) -> None:
    speaking = Speaking()
    speaking.grow(10)
    speaking.said()
    witness.last = Checkpoint(SIGNER.name, 6, speaking.announcer.tree(6).root)
    outside = OutsideWitness.of(f"{OUTSIDER.key.text} {address}")
    assert len(outside.ask(told(speaking), speaking.announcer.proof)) == 1
    assert witness.asked == [0, 6], "the conflict tells the size, the second request proves from there"


def test_what_another_key_signed_or_a_witness_that_fails_gives_nothing(witness: Witness, address: str) -> None:
    speaking = Speaking()
    speaking.grow(3)
    speaking.said()
    outside = OutsideWitness.of(f"{OUTSIDER.key.text} {address}")
    witness.broken = True
    assert outside.ask(told(speaking), speaking.announcer.proof) == []
    witness.broken, witness.last = False, None
    witness.signer = NoteSigner(OUTSIDER.name, b"\x78" * 32, SignatureType.COSIGNATURE)
    assert outside.ask(told(speaking), speaking.announcer.proof) == []
    witness.signer, witness.last, witness.instead = OUTSIDER, None, "another text\n"
    assert outside.ask(told(speaking), speaking.announcer.proof) == []
    nobody = OutsideWitness.of(f"{OUTSIDER.key.text} http://127.0.0.1:9")
    assert nobody.ask(told(speaking), speaking.announcer.proof) == []


@pytest.mark.parametrize(
    "setting", ["", "no-key https://w.example", f"{SIGNER.key.text} https://w.example", OUTSIDER.key.text]
)
def test_a_setting_that_names_no_witness_is_told_in_words(setting: str) -> None:
    with pytest.raises(OutsideWitnessError, match="no witness"):
        OutsideWitness.of(setting)
