"""Chromium, driven over a pipe in the DevTools protocol (`--remote-debugging-pipe`: JSON, ended by a zero byte).

Invariants: one page at a time; whatever a page logs as an error, or its policy blocks, is kept in `complaints`.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PATIENCE: Final = 20.0
_KEYS: Final = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35}


class BrowserError(Exception):
    """The browser, or the page in it, did not do what was asked."""


class Chromium:
    """`with Chromium() as browser`: opens pages, presses keys, asks scripts, takes pictures."""

    def __init__(self, program: str = "chromium") -> None:
        self._program = program
        self._number = 0
        self._session = ""
        self._read = b""
        self._loaded = False
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        from_us, to_us = os.pipe(), os.pipe()
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--hide-scrollbars")
        shell = f'exec "$0" "$@" 3<&{from_us[0]} 4>&{to_us[1]}'
        command = ["sh", "-c", shell, self._program, *options, f"--user-data-dir={self._folder.name}", "about:blank"]
        self._process = subprocess.Popen(
            command, pass_fds=(from_us[0], to_us[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(from_us[0])
        os.close(to_us[1])
        self._to, self._from = from_us[1], to_us[0]
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._send(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._to)  # the browser ends with its pipe
        os.close(self._from)
        self._process.terminate()
        self._process.wait(20)
        self._folder.cleanup()

    def size(self, width: int, height: int) -> None:
        """How large the window is."""
        self._send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def dark(self, *, dark: bool) -> None:
        """Which colours are preferred."""
        value = "dark" if dark else "light"
        self._send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def scripts(self, *, run: bool) -> None:
        """Whether pages may run scripts."""
        self._send("Emulation.setScriptExecutionDisabled", value=not run)

    def open(self, address: str) -> None:
        """Go there, and wait until it is loaded."""
        self._loaded = False
        self._send("Page.navigate", url=address)
        self.until(self._is_loaded)

    def ask(self, script: str) -> Any:  # noqa: ANN401 - whatever the script gives
        """The value of an expression in the page. Raises `BrowserError`."""
        found = self._send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise BrowserError(json.dumps(found["exceptionDetails"])[:500])
        return found["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        """A key, down and up."""
        text = {"Enter": {"text": "\r"}}.get(key, {})
        for kind in ("keyDown", "keyUp"):
            self._send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=_KEYS[key],
                modifiers=8 if shift else 0,
                **(text if kind == "keyDown" else {}),
            )

    def type(self, text: str) -> None:
        """Text into what has the focus."""
        self._send("Input.insertText", text=text)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """A picture of the page, whole or as much as the window shows."""
        taken = self._send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for a condition. Raises `BrowserError`."""
        end = time.monotonic() + _PATIENCE
        while not holds():
            if time.monotonic() > end:
                raise BrowserError("what was waited for did not come")
            time.sleep(0.05)

    def _is_loaded(self) -> bool:
        self._send("Browser.getVersion")  # whatever is asked, events come with the answer
        return self._loaded

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - the protocol's own values
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        while True:
            told = self._next()
            self._note(told)
            if told.get("id") == self._number:
                if "error" in told:
                    raise BrowserError(f"{method}: {told['error']}")
                found: dict[str, Any] = told["result"]
                return found

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            part = os.read(self._from, 1 << 20)
            if not part:
                raise BrowserError("the browser has ended")
            self._read += part
        one, _, self._read = self._read.partition(b"\0")
        found: dict[str, Any] = json.loads(one)
        return found

    def _note(self, told: dict[str, Any]) -> None:
        match told.get("method"):
            case "Log.entryAdded" if told["params"]["entry"]["level"] == "error":
                self.complaints.append(told["params"]["entry"]["text"])
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["params"])[:300])
