"""What the API and the webhooks may rely on, whichever database it is in: one behavioural class, run on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey
from adapters.storage.api_answers import KeptAnswer
from adapters.storage.api_tokens import KeptToken
from adapters.storage.one_transaction import OneTransaction
from adapters.storage.unit_store import UnitStore
from adapters.storage.webhooks import DeliveryState, KeptWebhook, NewDelivery
from contracts.names import UnitId
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub, message_id
from tests.simulation.programme import StoryClock

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = timedelta(hours=1)
TOKEN = KeptToken("0123456789", b"digest", "case system", frozenset({"line:read"}), NOON)


class ApiStoreContract:
    """Subclasses give `where`: an empty database."""

    @pytest.fixture
    def store(self, where: str) -> Iterator[UnitStore]:
        opened = UnitStore.open(where)
        yield opened
        opened.close()

    def test_a_token_is_valid_until_it_ends_or_is_revoked(self, store: UnitStore) -> None:
        with store.write() as tx:
            tx.api_tokens.add(TOKEN)
            tx.api_tokens.end(TOKEN.token_id, at=NOON + HOUR)
            tx.api_tokens.end(TOKEN.token_id, at=NOON + 2 * HOUR)  # never later than before
        with store.write() as tx:
            found = tx.api_tokens.find(TOKEN.token_id)
            assert found is not None
            assert (found.valid(NOON), found.valid(NOON + HOUR)) == (True, False)
            tx.api_tokens.revoke(TOKEN.token_id, at=NOON)
            tx.api_tokens.revoke(TOKEN.token_id, at=NOON + HOUR)
            (found,) = tx.api_tokens.all()
            assert (found.valid(NOON), found.revoked_at, found.scopes) == (False, NOON, TOKEN.scopes)

    def test_an_answer_is_kept_once_under_its_key_and_forgotten_in_time(self, store: UnitStore) -> None:
        answer = KeptAnswer(b"request", 201, b"{}")
        with store.write() as tx:
            tx.api_answers.keep("t", "k", answer, at=NOON)
        with pytest.raises(DBAPIError), store.write() as tx:
            tx.api_answers.keep("t", "k", answer, at=NOON)
        with store.write() as tx:
            assert (tx.api_answers.find("t", "k"), tx.api_answers.find("other", "k")) == (answer, None)
            assert (tx.api_answers.forget(NOON), tx.api_answers.forget(NOON + HOUR)) == (0, 1)
            assert tx.api_answers.find("t", "k") is None

    def test_what_a_desk_writes_within_a_transaction_goes_with_it(self, store: UnitStore) -> None:
        hub = SimulatedHub()
        signer = Signer(PROGRAMME, hub.unit_keys[UnitId("op")])

        def enrol(*, fails: bool) -> None:
            with store.write() as tx:
                desk = Desk(OneTransaction(tx), signer=signer, directory=lambda: hub.directory, clock=StoryClock(NOON))
                desk.enrol(ClientKey("case-1"))
                tx.api_answers.keep("t", "k", KeptAnswer(b"request", 201, b"{}"), at=NOON)
                if fails:
                    raise RuntimeError("in the middle")

        with pytest.raises(RuntimeError):
            enrol(fails=True)
        with store.read() as tx:
            assert (tx.journal.last_revision(), tx.clients.all(), tx.api_answers.find("t", "k")) == (0, [], None)
        enrol(fails=False)
        with store.read() as tx:
            assert tx.journal.last_revision() == 1
            assert tx.api_answers.find("t", "k") is not None

    def test_deliveries_wait_are_sent_die_and_rise_again(self, store: UnitStore) -> None:
        with store.write() as tx:
            assert tx.webhooks.next_due() is None
            tx.webhooks.add(KeptWebhook("a", "https://a.example/", ("x", "y"), content=False, added_at=NOON))
            tx.webhooks.put([NewDelivery("a", f"a.{number}", b"{}") for number in (1, 2)], at=NOON)
        longest = NewDelivery("b" * 40, f"{'b' * 40}.{message_id(1)}.{2**32}", b"{}")
        with store.write() as tx:
            tx.webhooks.put([longest], at=NOON + 2 * HOUR)
            (kept_one,) = tx.webhooks.in_state(DeliveryState.WAITING, longest.webhook)
            assert kept_one.webhook_id == longest.webhook_id
            tx.webhooks.remove(longest.webhook, at=NOON)
        with store.write() as tx:
            first = tx.webhooks.due("a", at=NOON)
            assert first is not None
            tx.webhooks.failed(first.number, problem="answered 500", next_at=NOON + HOUR)
            second = tx.webhooks.due("a", at=NOON + HOUR)
            assert second is not None
            assert second.number != first.number, "one that fails stops no other"
            tx.webhooks.sent(second.number)
            assert tx.webhooks.next_due() == NOON + HOUR
            assert tx.webhooks.due("a", at=NOON) is None
            tx.webhooks.failed(first.number, problem="answered 500", next_at=None)
            assert tx.webhooks.next_due() is None
            (dead,) = tx.webhooks.in_state(DeliveryState.DEAD, "a")
            assert (dead.number, dead.attempts, dead.webhook_id) == (first.number, 2, first.webhook_id)
            tx.webhooks.again(dead.number, at=NOON)
            assert tx.webhooks.due("a", at=NOON) is not None
            tx.webhooks.forget_sent(NOON + HOUR)
            assert tx.webhooks.delivery(second.number) is None
            (kept,) = tx.webhooks.all()
            assert (kept.types, kept.content) == (("x", "y"), False)
            tx.webhooks.remove("a", at=NOON)
            assert (tx.webhooks.find("a"), tx.webhooks.delivery(first.number)) == (None, None)
            tx.webhooks.add(kept)
            assert tx.webhooks.find("a") == kept
