"""News of one unit queued for its webhooks, and sent until their receivers have them.

Invariants: a delivery is marked as sent after its receiver answered 2xx, so a crash between makes it come again under the same id; one receiver
that hangs or fails delays no other; nothing is followed (a redirect is a failure) and no answer is read beyond its status; a delivery that failed
as often as there are pauses is dead, shown, and kept.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpcore
import structlog
from standardwebhooks import Webhook

from adapters.errors import AdapterError
from adapters.followers.following import Following
from adapters.followers.webhooks import secrets_kept
from adapters.followers.webhooks.addresses import CheckedNetwork, Network
from adapters.followers.webhooks.news import WebhookNews
from adapters.process import metrics
from adapters.storage.unit_store import UnitStore
from adapters.storage.webhooks import KeptDelivery, KeptWebhook
from contracts.names import UnitId
from projections.certificate_fault import refused_elsewhere

PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Between attempts, as Standard Webhooks proposes: three days in all, then a delivery is dead."""
PATIENCE: Final = 15.0
"""Seconds for one attempt, from the name's resolution to the status."""
_LONGEST: Final = 60.0
_LOOK_FOR_THE_FIRST: Final = 0.5
"""Seconds between two looks for a first webhook."""
_KEPT: Final = timedelta(days=7)

_log = structlog.get_logger("spojka.adapter")


class WebhooksSending:
    """Sends for one unit until told to stop."""

    def __init__(  # noqa: PLR0913 - each by name
        self,
        store: UnitStore,
        folder: Path,
        *,
        unit: UnitId,
        now: Callable[[], datetime],
        content_allowed: bool = False,
        networks: Sequence[Network] = (),
        pauses: Sequence[timedelta] = PAUSES,
        patience: float = PATIENCE,
    ) -> None:
        self._store = store
        self._folder = folder
        self._unit = unit
        self._now = now
        news = WebhookNews(store, unit=unit, content_allowed=content_allowed, now=now)
        self._following = Following(store, news, now=now)
        self._networks = networks
        self._pauses = pauses
        self._patience = patience
        self._due = asyncio.Event()
        self._any = False
        """Whether there was a webhook when it was looked last."""

    def wake(self) -> None:
        """Something was written to the unit's database."""
        self._due.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; what is under way then is given up and comes again."""
        at_work: dict[str, asyncio.Task[None]] = {}
        try:
            while not stop.is_set():
                self._due.clear()
                for webhook in await asyncio.to_thread(self._with_something_due):
                    if webhook.name not in at_work or at_work[webhook.name].done():
                        at_work[webhook.name] = asyncio.create_task(self._drain(webhook))
                for name in [name for name, task in at_work.items() if task.done()]:
                    at_work.pop(name).result()
                await self._next_turn(stop)
        finally:
            for task in at_work.values():
                task.cancel()
            await asyncio.gather(*at_work.values(), return_exceptions=True)

    async def _next_turn(self, stop: asyncio.Event) -> None:
        """Wait until something is due, or something was written; every entry of a unit without webhooks is no reason to look."""
        if not self._any:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=_LOOK_FOR_THE_FIRST)
        timeout = await asyncio.to_thread(self._until_next) if self._any else _LONGEST
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), timeout=timeout)

    def _with_something_due(self) -> Sequence[KeptWebhook]:
        """After the newest entries were queued. Without a webhook nothing is written: a unit that has none pays nothing."""
        with self._store.read() as tx:
            every = tx.webhooks.all()
        self._any = bool(every)
        if not every:
            return ()
        self._following.catch_up()
        with self._store.read() as tx:
            return [one for one in every if tx.webhooks.due(one.name, at=self._now()) is not None]

    def _until_next(self) -> float:
        with self._store.read() as tx:
            following = tx.webhooks.next_due()
        seconds = _LONGEST if following is None else (following - self._now()).total_seconds()
        return min(max(seconds, 0.05), _LONGEST)

    async def _drain(self, webhook: KeptWebhook) -> None:
        while (delivery := await asyncio.to_thread(self._next, webhook)) is not None:
            problem = await self._attempt(webhook, delivery)
            await asyncio.to_thread(self._keep, delivery, problem)
            metrics.WEBHOOKS.labels(self._unit, "sent" if problem is None else "failed").inc()
        self._due.set()

    def _next(self, webhook: KeptWebhook) -> KeptDelivery | None:
        with self._store.read() as tx:
            return tx.webhooks.due(webhook.name, at=self._now())

    async def _attempt(self, webhook: KeptWebhook, delivery: KeptDelivery) -> str | None:
        """How it failed, in words without content; None where the receiver has it."""
        try:
            async with asyncio.timeout(self._patience):
                status = await self._post(webhook, delivery)
        except TimeoutError:
            return "no answer in time"
        except AdapterError as error:
            return f"{error.problem}. {error.advice}"
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError, ValueError) as error:
            refused = refused_elsewhere(error, whose="the receiver")
            return refused or f"not reached ({type(error).__name__})"
        return None if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES else f"answered {status}"

    async def _post(self, webhook: KeptWebhook, delivery: KeptDelivery) -> int:
        secret = await asyncio.to_thread(secrets_kept.read, self._folder, webhook.name)
        at = self._now()
        signature = Webhook(secret).sign(delivery.webhook_id, at, delivery.body.decode())
        headers: dict[bytes | str, bytes | str] = {
            "Content-Type": "application/json",
            "User-Agent": "spojka-adapter",
            "webhook-id": delivery.webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }
        clear = not webhook.url.startswith("https://")
        backend = CheckedNetwork(self._networks, clear=clear)
        async with (
            httpcore.AsyncConnectionPool(ssl_context=ssl.create_default_context(), network_backend=backend) as pool,
            pool.stream("POST", webhook.url, headers=headers, content=delivery.body) as response,
        ):
            return response.status

    def _keep(self, delivery: KeptDelivery, problem: str | None) -> None:
        now = self._now()
        with self._store.write() as tx:
            if problem is None:
                tx.webhooks.sent(delivery.number)
                tx.webhooks.forget_sent(now - _KEPT)
                return
            left = delivery.attempts < len(self._pauses)
            next_at = now + self._pauses[delivery.attempts] if left else None
            tx.webhooks.failed(delivery.number, problem=problem, next_at=next_at)
        if next_at is None:
            _log.warning("webhook delivery given up", unit=self._unit, count=delivery.attempts + 1)
