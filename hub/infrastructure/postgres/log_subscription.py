"""The event-sourcing library's subscription to a recorder, woken by the database instead of by a clock.

Invariant: the thread that listens ends with the subscription, and a broken line ends both with the error.
"""

from collections.abc import Sequence
from threading import Thread
from typing import Final

from eventsourcing.persistence import ApplicationRecorder, ListenNotifySubscription

from hub.application.ports import StoreUnavailableError
from hub.infrastructure.postgres.log_wakeup import LogWakeup

_STOP_CHECK_SECONDS: Final = 0.1


class LogSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """The library's subscription over `LogWakeup`. Use it as a context manager."""

    def __init__(
        self, recorder: ApplicationRecorder, wakeup: LogWakeup, *, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._wakeup = wakeup
        self._listen_thread = Thread(target=self._listen, name="log-subscription")
        self._listen_thread.start()

    def __exit__(self, *args: object, **kwargs: object) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listen_thread.join()
            self._wakeup.close()

    def _listen(self) -> None:
        try:
            while not self._has_been_stopped and not self._thread_error:
                if self._wakeup.wait_for_events(_STOP_CHECK_SECONDS):
                    self._has_been_notified.set()
        except StoreUnavailableError as error:
            if self._thread_error is None:
                self._thread_error = error
            self.stop()
