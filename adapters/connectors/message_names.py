"""Message types as mapping files write them: `service.delivered`, without prefix and version.

Invariant: a name stands for the latest version of its type.
"""

from functools import cache

from contracts.catalogue import Author, MessageSpec, specs


@cache
def message_names() -> tuple[str, ...]:
    """The names of what a unit may send about a client, in the catalogue's order."""
    return tuple(dict.fromkeys(one.name for one in specs() if one.author is Author.UNIT and one.about_subject))


@cache
def spec_named(name: str) -> MessageSpec:
    """The catalogue's row of a name. Raises `KeyError` for an unknown one."""
    found = [one for one in specs() if one.name == name]
    if not found or name not in message_names():
        raise KeyError(name)
    return max(found, key=lambda one: one.version)
