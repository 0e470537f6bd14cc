"""Policies (C2SP tlog-policy): which logs and witnesses an auditor trusts, and how many must have seen a checkpoint.

Invariants: names are defined before they are used, each key stands once, each name is a member of one group at most, and there is exactly one quorum.
What an auditor trusts is this file, not the operator.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from contracts.ledger import checkpoint
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.signed_note import Note, NoteError, NoteKey, SignatureType, parse_key, verified

NONE: Final = "none"


class PolicyError(NoteError):
    """A policy file that cannot be used, or a checkpoint that it does not accept."""


@dataclass(frozen=True, slots=True)
class Group:
    """How many of its members must have witnessed."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file, read."""

    logs: tuple[NoteKey, ...]
    witnesses: Mapping[str, NoteKey]
    groups: Mapping[str, Group]
    quorum: str

    def accept(self, note: Note, *, origin: str | None = None) -> Checkpoint:
        """The checkpoint in a note that one of the logs signed and a quorum has witnessed. Raises `PolicyError`, `NoteError`."""
        found = checkpoint.parse(note.text)
        logs = [key for key in self.logs if key.name == found.origin]
        if not logs or (origin is not None and found.origin != origin):
            raise PolicyError(f"{found.origin} is not the ledger that is asked for, or no log of this policy")
        verified(note, logs)
        witnesses = self.witnessed(note)
        if not self.satisfied(witnesses):
            told = "; ".join((*self._lacking(self.quorum, witnesses), *self._strangers(note)))
            raise PolicyError(f"the checkpoint of size {found.size} has too few witnesses for this policy: {told}")
        return found

    def witnessed(self, note: Note) -> frozenset[str]:
        """The witnesses whose cosignature stands on a note and holds. Raises `NoteError` where one of them does not."""
        names = {(key.name, key.key_hash) for key in self.witnesses.values()}
        if not any((one.name, one.key_hash) in names for one in note.signatures):
            return frozenset()
        held = {(key.name, key.key_hash) for key, _ in verified(note, self.witnesses.values())}
        return frozenset(name for name, key in self.witnesses.items() if (key.name, key.key_hash) in held)

    def satisfied(self, witnesses: Collection[str]) -> bool:
        """Whether these witnesses are a quorum."""
        return self.quorum == NONE or self._counts(self.quorum, witnesses)

    def _lacking(self, name: str, witnesses: Collection[str]) -> Iterator[str]:
        """Each group that is not satisfied, with what it asks for and who of it has signed."""
        group = self.groups.get(name)
        if self._counts(name, witnesses):
            return
        if group is None:
            yield f"{name} has not signed"
            return
        there = [member for member in group.members if self._counts(member, witnesses)]
        yield f"{name} asks for {group.threshold} of {', '.join(group.members)}, there is {', '.join(there) or 'none'}"
        for member in group.members:
            if member in self.groups:
                yield from self._lacking(member, witnesses)

    def _strangers(self, note: Note) -> Iterator[str]:
        """Who else signed: known to nobody here, so that it counts for nothing."""
        known = {(key.name, key.key_hash) for key in (*self.logs, *self.witnesses.values())}
        names = sorted({one.name for one in note.signatures if (one.name, one.key_hash) not in known})
        if names:
            yield f"signed too by whom this policy does not know: {', '.join(names)}"

    def _counts(self, name: str, witnesses: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in witnesses
        return sum(self._counts(member, witnesses) for member in group.members) >= group.threshold


def parse(text: str) -> Policy:
    """A policy from its file. Raises `PolicyError` with the number of the line."""
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.replace("\t", " ").split(" ")
        items = [word for word in words if word]
        if items and not items[0].startswith("#"):
            try:
                reading.take(items)
            except NoteError as error:
                raise PolicyError(f"line {number}: {error.problem}") from error
    return reading.done()


class _Reading:
    def __init__(self) -> None:
        self.logs: list[NoteKey] = []
        self.witnesses: dict[str, NoteKey] = {}
        self.groups: dict[str, Group] = {}
        self.members: set[str] = set()
        self.quorum: str | None = None

    def take(self, items: list[str]) -> None:
        """One line."""
        match items:
            case ["log", key] | ["log", key, _]:
                self.logs.append(self._new_key(key, SignatureType.ED25519))
            case ["witness", name, key] | ["witness", name, key, _]:
                self._new_name(name)
                self.witnesses[name] = self._new_key(key, SignatureType.COSIGNATURE)
            case ["group", name, threshold, *members] if members:
                self._new_name(name)
                self.groups[name] = self._group(threshold, members)
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise PolicyError(f"this is no line of a policy: {items[0]}")

    def done(self) -> Policy:
        """The policy, once all lines were taken."""
        if self.quorum is None:
            raise PolicyError("a policy names its quorum")
        return Policy(tuple(self.logs), self.witnesses, self.groups, self.quorum)

    def _new_key(self, text: str, wanted: SignatureType) -> NoteKey:
        key = parse_key(text)
        if key.type is not wanted:
            raise PolicyError(f"the key of {key.name} has type {key.type}, not {wanted}")
        if key.public_key in {one.public_key for one in (*self.logs, *self.witnesses.values()) if one.type is wanted}:
            raise PolicyError(f"the key of {key.name} stands here twice")
        return key

    def _new_name(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise PolicyError(f"the name {name} is taken")

    def _group(self, threshold: str, members: list[str]) -> Group:
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise PolicyError(f"{member} is not defined above")
            if member in self.members:
                raise PolicyError(f"{member} is a member already")
            self.members.add(member)
        match threshold:
            case "any":
                return Group(1, tuple(members))
            case "all":
                return Group(len(members), tuple(members))
        if not threshold.isascii() or not threshold.isdigit() or not 1 <= int(threshold) <= len(members):
            raise PolicyError(f"a threshold is any, all, or 1 to {len(members)}")
        return Group(int(threshold), tuple(members))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise PolicyError("a policy has one quorum")
        if name != NONE and name not in self.witnesses and name not in self.groups:
            raise PolicyError(f"{name} is not defined above")
        self.quorum = name
