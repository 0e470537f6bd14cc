"""In which encoding a file is written.

Invariants: a stated encoding is taken as it is; `auto` trusts a byte order mark, then UTF-8 where every byte of the whole file is, then the zeros of
UTF-16 without mark, and only then the mapping's fallback: text in an eight-bit code page that is also valid UTF-8 is practically never meant.
"""

import codecs
from pathlib import Path
from typing import Final

from adapters.connectors.file_format import FileFormat

_CHUNK: Final = 1 << 20
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LEAST_ZEROS: Final = 0.2
"""Of the first bytes of UTF-16 text in our languages nearly half are zeros."""


def encoding_of(path: Path, settings: FileFormat) -> str:
    """The codec with which to read a file; a byte order mark is never part of the text. Raises `OSError`."""
    with path.open("rb") as file:
        head = file.read(_CHUNK)
        marked = next((codec for mark, codec in _MARKS if head.startswith(mark)), None)
        if settings.encoding != "auto":
            stated: str = settings.encoding
            return marked if marked and stated in {"utf-8", "utf-16"} else stated
        if marked:
            return marked
        if head.count(0) > _LEAST_ZEROS * len(head):
            return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while head:
                decoder.decode(head)
                head = file.read(_CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return settings.fallback
        return "utf-8"
