"""Tiles (C2SP tlog-tiles): a tree as static files of 256 hashes, from which every proof can be made.

Invariants: a full tile never changes; a partial one is a prefix of the full one; a hash at level L spans 256**L entries. Nothing here reads or
writes: whoever does gives a function from a tile's place to its bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.merkle import EMPTY_ROOT, HASH_LENGTH, ProofError, node_hash, root

WIDTH: Final = 256
_HEIGHT: Final = 8
_PREFIX: Final = 2
MOST_ENTRY: Final = 0xFFFF
"""Bytes of an entry: its length has two bytes in a bundle."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The place of a tile: level, number in the level, and how many hashes it has."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies below the ledger's address."""
        return f"tile/{self.level}/{_numbered(self.number, self.width)}"


Read = Callable[[Tile], bytes]
"""The bytes of a tile; raises `ProofError` where there is none. It may give more than was asked for: a wider tile begins with the same hashes."""


def bundle_path(number: int, width: int = WIDTH) -> str:
    """Where a bundle of entries lies."""
    return f"tile/entries/{_numbered(number, width)}"


def _numbered(number: int, width: int) -> str:
    if not 1 <= width <= WIDTH:
        raise ProofError(f"a tile has 1 to {WIDTH} hashes, not {width}")
    last, rest = f"{number % 1000:03}", number // 1000
    parts: list[str] = []
    while rest:
        parts.append(f"x{rest % 1000:03}")
        rest //= 1000
    name = "/".join([*reversed(parts), last])
    return name if width == WIDTH else f"{name}.p/{width}"


def tiles_of(size: int, *, before: int = 0) -> Iterator[Tile]:
    """The tiles of a tree that a tree of `before` entries did not have as they are now."""
    level, now, then = 0, size, before
    while now:
        for number in range(then // WIDTH, (now + WIDTH - 1) // WIDTH):
            width = min(WIDTH, now - number * WIDTH)
            if number * WIDTH + width > then:
                yield Tile(level, number, width)
        level, now, then = level + 1, now // WIDTH, then // WIDTH


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as they lie in a bundle, each behind its length. Raises `ProofError` for one that is too long."""
    if any(len(entry) > MOST_ENTRY for entry in entries):
        raise ProofError(f"an entry has at most {MOST_ENTRY} bytes")
    return b"".join(len(entry).to_bytes(_PREFIX, "big") + entry for entry in entries)


def entries_in(raw: bytes) -> list[bytes]:
    """The entries of a bundle. Raises `ProofError`."""
    found, at = [], 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + _PREFIX], "big")
        entry = raw[at + _PREFIX : at + _PREFIX + length]
        if len(raw) - at < _PREFIX or len(entry) != length:
            raise ProofError("a bundle ends in the middle of an entry")
        found.append(entry)
        at += _PREFIX + length
    return found


class TiledTree:
    """A tree of `size` entries, read from its tiles; each is read once."""

    def __init__(self, size: int, read: Read) -> None:
        self.size = size
        self._read = read
        self._known: dict[Tile, bytes] = {}

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        return self._root(0, self.size) if self.size else EMPTY_ROOT

    @property
    def subtrees(self) -> tuple[bytes, ...]:
        """The roots of its perfect subtrees, the largest first: what `Frontier` goes on from."""
        found, begin = [], 0
        for height in reversed(range(self.size.bit_length())):
            if self.size >> height & 1:
                found.append(self._perfect(begin, height))
                begin += 1 << height
        return tuple(found)

    def leaf(self, index: int) -> bytes:
        """The hash of an entry. Raises `ProofError` where there is no such entry."""
        if not 0 <= index < self.size:
            raise ProofError(f"entry {index} is outside a tree of {self.size}")
        return self._hash(0, index)

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """The path of an entry (RFC 9162 §2.1.3.1)."""
        if not 0 <= index < self.size:
            raise ProofError(f"entry {index} is outside a tree of {self.size}")
        return tuple(self._inclusion(index, 0, self.size))

    def consistency(self, first: int) -> tuple[bytes, ...]:
        """The proof that this tree extends the one of `first` entries (RFC 9162 §2.1.4.1)."""
        if not 0 < first <= self.size:
            raise ProofError(f"no consistency from size {first} to size {self.size}")
        return tuple(self._consistency(first, 0, self.size, whole=True))

    def _inclusion(self, index: int, begin: int, end: int) -> Iterator[bytes]:
        if end - begin == 1:
            return
        middle = begin + _split(end - begin)
        if index < middle:
            yield from self._inclusion(index, begin, middle)
            yield self._root(middle, end)
        else:
            yield from self._inclusion(index, middle, end)
            yield self._root(begin, middle)

    def _consistency(self, first: int, begin: int, end: int, *, whole: bool) -> Iterator[bytes]:
        if first == end - begin:
            if not whole:
                yield self._root(begin, end)
            return
        middle = begin + _split(end - begin)
        if first <= middle - begin:
            yield from self._consistency(first, begin, middle, whole=whole)
            yield self._root(middle, end)
        else:
            yield from self._consistency(first - (middle - begin), middle, end, whole=False)
            yield self._root(begin, middle)

    def _root(self, begin: int, end: int) -> bytes:
        """The root of the entries from `begin` to `end`, which begin at a multiple of the largest power of two in them."""
        width = end - begin
        if width & (width - 1) == 0:
            return self._perfect(begin, width.bit_length() - 1)
        middle = begin + _split(width)
        return node_hash(self._root(begin, middle), self._root(middle, end))

    def _perfect(self, begin: int, height: int) -> bytes:
        """The root of a perfect subtree, from the tile whose hashes it joins."""
        level, within = divmod(height, _HEIGHT)
        first = begin >> (level * _HEIGHT)
        count = 1 << within
        return root([self._hash(level, first + offset) for offset in range(count)])

    def _hash(self, level: int, index: int) -> bytes:
        number, offset = divmod(index, WIDTH)
        width = min(WIDTH, (self.size >> (level * _HEIGHT)) - number * WIDTH)
        tile = Tile(level, number, width)
        if tile not in self._known:
            raw = self._read(tile)
            if len(raw) < width * HASH_LENGTH or len(raw) % HASH_LENGTH:
                raise ProofError(f"{tile.path} has {len(raw)} bytes")
            self._known[tile] = raw
        return self._known[tile][offset * HASH_LENGTH : (offset + 1) * HASH_LENGTH]


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1
