"""How alike two clients of one unit are, by what the unit itself recorded: a hint for a person, never a decision.

Invariants: pure; only this unit's own records are compared and nothing of it leaves; a pair is suggested once, whatever its order. A name alone is
never enough: namesakes are common, so something else must agree.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from typing import Final

from adapters.drafts import ClientKey

SUGGESTED_FROM: Final = 0.6
MOST_IN_A_BLOCK: Final = 200
"""What more clients than that share (an office's own phone number) tells nobody apart."""

_SAME_NAME: Final = 0.92
_NEAR_NAME: Final = 0.85
_WEIGHTS: Final[Mapping[str, float]] = {"birth-year": 0.2, "phone": 0.5, "email": 0.5, "address": 0.2}
_NAME_SAME, _NAME_NEAR = 0.5, 0.4
_OTHER_YEAR: Final = -0.3
_PHONE_DIGITS: Final = 9
_BEYOND_DECOMPOSITION: Final = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ß": "ss", "æ": "ae", "œ": "oe"})


@dataclass(frozen=True, slots=True)
class KnownClient:
    """What the unit recorded of a client that can tell people apart."""

    client: ClientKey
    given_name: str | None = None
    family_name: str | None = None
    birth_year: int | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None

    @property
    def name(self) -> str:
        """Both names in one spelling, whatever their order, marks and hyphens."""
        return " ".join(sorted(plain(f"{self.given_name or ''} {self.family_name or ''}").split()))

    @property
    def contacts(self) -> dict[str, str]:
        """How to reach the client, each in one spelling; what is not known is left out."""
        digits = "".join(one for one in self.phone or "" if one.isdigit())[-_PHONE_DIGITS:]
        found = {"phone": digits, "email": (self.email or "").strip().casefold(), "address": plain(self.address or "")}
        return {kind: one for kind, one in found.items() if one}


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two clients that may be one person, how alike they are (0 to 1), and in what (`alike.*` of the words)."""

    one: ClientKey
    other: ClientKey
    score: float
    alike: tuple[str, ...]


def suggest(clients: Iterable[KnownClient]) -> Sequence[Likeness]:
    """Pairs to look at, the likeliest first."""
    found = (likeness(one, other) for one, other in _candidates(clients))
    likely = [one for one in found if one.score >= SUGGESTED_FROM]
    return sorted(likely, key=lambda one: (-one.score, one.one, one.other))


def likeness(one: KnownClient, other: KnownClient) -> Likeness:
    """How alike two clients are; the same whichever comes first."""
    first, second = sorted((one, other), key=lambda known: known.client)
    alike, score = [], 0.0
    ratio = _ratio(first.name, second.name)
    if ratio >= _NEAR_NAME:
        alike.append("name")
        score += _NAME_SAME if ratio >= _SAME_NAME else _NAME_NEAR
    if first.birth_year is not None and second.birth_year is not None:
        same = first.birth_year == second.birth_year
        alike += ["birth-year"] if same else []
        score += _WEIGHTS["birth-year"] if same else _OTHER_YEAR
    for kind, value in first.contacts.items():
        if second.contacts.get(kind) == value:
            alike.append(kind)
            score += _WEIGHTS[kind]
    return Likeness(first.client, second.client, round(max(0.0, min(1.0, score)), 2), tuple(alike))


def _ratio(one: str, other: str) -> float:
    """How alike two names are; names that cannot be near enough are not compared to the end."""
    matcher = SequenceMatcher(None, one, other)
    near = one and other and matcher.real_quick_ratio() >= _NEAR_NAME and matcher.quick_ratio() >= _NEAR_NAME
    return matcher.ratio() if near else 0.0


def plain(text: str) -> str:
    """Lower case without diacritics and punctuation: `Žižková-Nowak` is `zizkova nowak`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_BEYOND_DECOMPOSITION))
    letters = (" " if not one.isalnum() else one for one in decomposed if not unicodedata.combining(one))
    return " ".join("".join(letters).split())


def _candidates(clients: Iterable[KnownClient]) -> Iterator[tuple[KnownClient, KnownClient]]:
    """Pairs that share something, so that ten thousand clients are not compared each with each."""
    blocks: dict[tuple[str, str], list[KnownClient]] = defaultdict(list)
    for known in clients:
        for key in _blocks_of(known):
            blocks[key].append(known)
    seen: set[tuple[ClientKey, ClientKey]] = set()
    for block in blocks.values():
        if len(block) > MOST_IN_A_BLOCK:
            continue
        for one, other in combinations(sorted(block, key=lambda known: known.client), 2):
            pair = one.client, other.client
            if pair not in seen and one.client != other.client:
                seen.add(pair)
                yield one, other


def _blocks_of(known: KnownClient) -> set[tuple[str, str]]:
    parts = {("part", one) for one in known.name.split()}
    born = {("born", f"{known.birth_year} {one[:1]}") for one in known.name.split() if known.birth_year is not None}
    return parts | born | {(kind, value) for kind, value in known.contacts.items() if kind != "address"}
