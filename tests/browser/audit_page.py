"""Looks at the auditor's page as a person without a mouse does: `python -m tests.browser.audit_page ADDRESS TOKEN FOLDER`.

ADDRESS is of a client's path, as `deploy/demo` prints it. Goes through every page with the keyboard alone, in every language, wide and 320 px
narrow, with and without scripts; says what does not hold (exit code 1) and leaves pictures in FOLDER for a person to look at.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from hub.words import LANGUAGES
from tests.browser.chromium import Chromium

WIDE: Final = (1280, 900)
NARROW: Final = (320, 640)
_PATHS: Final = ("/search", "/search?kind=given", "/duties", "/alarms", "/proof-record")
_FOCUSED: Final = """(() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  return {
    name: one.tagName + '#' + one.id + ' ' + (one.getAttribute('href') || one.name || one.textContent.trim().slice(0, 30)),
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    within: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth, body: one === document.body,
  };
})()"""
_CONTRAST: Final = """(() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c.slice(0, 3); } return rgb(getComputedStyle(document.body).backgroundColor).slice(0, 3); };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
    const a = light(rgb(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push(e.tagName + ' ' + e.textContent.trim().slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return bad;
})()"""
_STRUCTURE: Final = """(() => {
  const bad = [], all = (s) => [...document.querySelectorAll(s)];
  if (all('h1').length !== 1) bad.push(all('h1').length + ' h1');
  let before = 0;
  for (const h of all('h1,h2,h3')) { const n = +h.tagName[1]; if (n > before + 1) bad.push('skips to ' + h.tagName); before = n; }
  for (const e of all('input:not([type=hidden]),select')) if (!e.labels.length) bad.push('no label: ' + e.name);
  for (const t of all('table')) { if (!t.caption) bad.push('no caption');
    for (const h of t.querySelectorAll('th')) if (!h.scope) bad.push('no scope: ' + h.textContent); }
  const ids = all('[id]').map((e) => e.id);
  if (new Set(ids).size !== ids.length) bad.push('an id twice');
  for (const e of all('[aria-labelledby],[aria-describedby]'))
    for (const id of ((e.getAttribute('aria-labelledby') || '') + ' ' + (e.getAttribute('aria-describedby') || '')).trim().split(/ +/))
      if (!document.getElementById(id)) bad.push('nothing is called ' + id);
  if (!document.documentElement.lang) bad.push('no language');
  for (const e of all('a,button,select,input:not([type=hidden])')) { const r = e.getBoundingClientRect();
    if (r.width && r.height < 24 && e.closest('nav,form')) bad.push('small: ' + e.outerHTML.slice(0, 60)); }
  return bad;
})()"""


class Walk:
    """One walk through the page, with what was found on the way."""

    def __init__(self, browser: Chromium, address: str, folder: Path) -> None:
        parts = urlsplit(address)
        self._browser = browser
        self._home = f"{parts.scheme}://{parts.netloc}"
        self._client = parts.path
        self._folder = folder
        self.faults: list[str] = []

    def sign_in(self, token: str) -> None:
        """With the keyboard alone."""
        browser = self._browser
        browser.size(*WIDE)
        browser.open(f"{self._home}{self._client}")
        self._judge("sign-in")
        self._reach("token")
        browser.type(token)
        self._reach("purpose")
        browser.press("ArrowDown")
        browser.press("Tab")
        browser.press("Enter")
        browser.until(lambda: browser.ask("document.querySelector('form[action=\"/sign-out\"]') !== null"))
        browser.until(lambda: browser.ask("document.readyState") == "complete")
        browser.complaints.clear()  # that it was not let in before it had signed in

    def everything(self) -> None:
        """Every page, language, width and colour."""
        for language in LANGUAGES:
            for number, path in enumerate((self._client, *_PATHS)):
                separator = "&" if "?" in path else "?"
                self._browser.size(*WIDE)
                self._browser.open(f"{self._home}{path}{separator}lang={language}")
                self._judge(f"{language}-{number}-wide")
                self._browser.size(*NARROW)
                self._judge(f"{language}-{number}-narrow")
                wide = self._browser.ask("document.documentElement.scrollWidth")
                if wide > NARROW[0]:
                    self.faults.append(f"{path} ({language}): {wide} px at {NARROW[0]}")
        self._browser.size(*WIDE)
        self._browser.dark(dark=True)
        for number, path in enumerate((self._client, *_PATHS)):
            self._browser.open(f"{self._home}{path}{'&' if '?' in path else '?'}lang=en")
            self._judge(f"dark-{number}")
        self._browser.dark(dark=False)

    def by_keyboard(self, path: str) -> None:
        """Tab through a page: everything is reached, shows that it has the focus, and lets go of it."""
        browser = self._browser
        browser.open(f"{self._home}{path}")
        count = browser.ask(
            "document.querySelectorAll('a,button,select,summary,input:not([type=hidden]),[tabindex=\"0\"]').length"
        )
        seen = []
        for _ in range(count + 10):
            browser.press("Tab")
            found = browser.ask(_FOCUSED)
            if found["body"]:
                break
            seen.append(found["name"])
            for what in ("outlined", "within"):
                if not found[what]:
                    self.faults.append(f"{path}: {found['name']} has the focus and is not {what}")
        else:
            self.faults.append(f"{path}: the keyboard does not get out")
        if not seen or "#main" not in seen[0]:
            self.faults.append(f"{path}: the first stop is {seen[:1]}, not the way past the menu")

    def slide(self) -> None:
        """The slider moves by arrow keys, keeps the focus, and says where it is."""
        browser = self._browser
        browser.open(f"{self._home}{self._client}")
        before = browser.ask("document.getElementById('said').textContent")
        self._reach("stop")
        for _ in range(3):
            browser.press("ArrowLeft")
        browser.until(lambda: browser.ask("document.getElementById('said').textContent") != before)
        browser.until(lambda: "stop=" in browser.ask("location.search"))
        found = browser.ask(
            "({focus: document.activeElement.id, value: document.activeElement.getAttribute('aria-valuetext'),"
            " said: document.getElementById('said').textContent})"
        )
        if found["focus"] != "stop" or found["value"] not in found["said"]:
            self.faults.append(f"the slider: {found}")
        browser.picture(self._folder / "slider-focus.png", whole=False)
        browser.press("Home")
        browser.until(lambda: "stop=0" in browser.ask("location.search"))
        self._judge("first-moment")

    def without_scripts(self) -> None:
        """Links and the form for a day do what the slider does."""
        browser = self._browser
        browser.scripts(run=False)
        browser.open(f"{self._home}{self._client}?stop=10")
        browser.scripts(run=True)
        found = browser.ask(
            "({slider: document.getElementById('slider').hidden, earlier: document.querySelector('#steps [rel=prev]').search,"
            " later: document.querySelector('#steps [rel=next]').search})"
        )
        if found != {"slider": True, "earlier": "?stop=9", "later": "?stop=11"}:
            self.faults.append(f"without scripts: {found}")
        browser.picture(self._folder / "without-scripts.png", whole=False)

    def _reach(self, name: str) -> None:
        for _ in range(60):
            self._browser.press("Tab")
            if self._browser.ask("document.activeElement.id") == name:
                return
        self.faults.append(f"{name} is not reached by Tab")

    def _judge(self, name: str) -> None:
        for fault in (*self._browser.ask(_STRUCTURE), *self._browser.ask(_CONTRAST)):
            self.faults.append(f"{name}: {fault}")
        self._browser.picture(self._folder / f"{name}.png")


def main() -> int:
    """Walk through; returns the exit code."""
    address, token, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    with Chromium() as browser:
        walk = Walk(browser, address, folder)
        walk.sign_in(token)
        walk.everything()
        for path in (urlsplit(address).path, "/search?kind=given", "/duties", "/alarms", "/proof-record"):
            walk.by_keyboard(path)
        walk.slide()
        walk.without_scripts()
        faults = [*walk.faults, *(f"the browser complains: {one}" for one in browser.complaints)]
    sys.stdout.write("".join(f"{one}\n" for one in faults) or "Everything holds.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
