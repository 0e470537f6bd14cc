"""Several files of one person, by the unit's own case numbers.

Invariant: only a merge that stands on both sides here makes two files one person's (`projections.one_person`); a file that nobody linked to a case
number yet has no name to show.
"""

from collections.abc import Iterable, Mapping, Sequence

from adapters.process.overviews import Overviews
from adapters.storage.unit_store import UnitStore
from contracts.names import SubjectId
from projections.one_person import others_of


def also_kept_as(
    store: UnitStore, overviews: Overviews, subjects: Iterable[SubjectId]
) -> Mapping[SubjectId, Sequence[str]]:
    """The case numbers of other files of the same person, for those of these subjects that have any."""
    with overviews.look() as connection:
        others = others_of(connection, subjects)
    if not others:
        return {}
    with store.read() as tx:
        named = {one: tx.clients.client_of(one) for one in {one for several in others.values() for one in several}}
    found = {subject: tuple(name for one in several if (name := named[one])) for subject, several in others.items()}
    return {subject: names for subject, names in found.items() if names}
