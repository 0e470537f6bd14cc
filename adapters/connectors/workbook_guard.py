"""Whether a file is a workbook that may be opened: nothing hostile in it reaches the parser.

Invariants: what is not a plain .xlsx (an old or binary format, a password, macros) is refused with a reason of its own; no part that is held whole
unpacks to more than `WHOLE_PART`, no single row of a sheet to more than `LONGEST_ROW`, no part to more than `LARGEST_PART` or, where that matters,
to more than `MOST_RATIO` times its packed size; no part has a document type (entities that multiply).
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from adapters.connectors.refusal import RefusalReason

_MIB: Final = 1 << 20
LARGEST_PART: Final = 2048 * _MIB
"""A sheet is read as a stream; a full one (1,048,576 rows of twenty columns) has about 1 GiB."""
WHOLE_PART: Final = 24 * _MIB
"""Texts shared by cells, styles, the list of sheets: they are kept in memory while the sheet is read."""
LONGEST_ROW: Final = 4 * _MIB
"""What stands between the ends of two rows, before the first and behind the last."""
MOST_RATIO: Final = 200
_RATIO_MATTERS: Final = 32 * _MIB
_MOST_PARTS: Final = 10_000
_CHUNK: Final = 1 << 16
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Old Excel files, and new ones behind a password, are OLE compound files ([MS-CFB] 2.2)."""
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_MACROS: Final = ("vbaproject.bin", "macrosheets", "xlmacrosheets")
_DOCTYPE: Final = re.compile(rb"<\x00?!\x00?(?:D\x00?O\x00?C\x00?T\x00?Y\x00?P\x00?E|E\x00?N\x00?T\x00?I\x00?T\x00?Y)")
_ROW_END: Final = b"</row>"
_UNCALCULATED: Final = re.compile(
    rb'<c\s(?:(?!t="str")[^>])*>\s*<f(?:\s[^>]*)?>(?:[^<]*</f>)?\s*(?:<v\s*/>|<v>\s*</v>|</c>)'
)
"""A formula without a value; one whose value is an empty text says `t="str"`."""
_LONGEST_FORMULA: Final = 1 << 14


class WorkbookError(Exception):
    """The file is no workbook that can be read. Never leaves the connectors: the sheet's reader makes a refusal of it."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}")
        self.reason = reason
        self.detail = detail


def check_workbook(file: BinaryIO) -> None:
    """Look at the whole package without unpacking more than the list of its parts. Raises `WorkbookError`."""
    head = file.read(len(_OLE))
    if head == _OLE:
        raise WorkbookError(_ole_reason(file))
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as package:
            _check_parts(package)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise WorkbookError(RefusalReason.NOT_A_WORKBOOK, type(error).__name__) from error
    file.seek(0)


def check_sheet(package: zipfile.ZipFile, part: str) -> int:
    """Go through a sheet's text once; returns how many formulas have no value. Raises `WorkbookError`."""
    since_row, uncalculated, before = 0, 0, b""
    for chunk in _chunks(package, part):
        if not before and _DOCTYPE.search(chunk):
            raise WorkbookError(RefusalReason.NOT_A_WORKBOOK, "it declares a document type")
        text = before + chunk
        end = text.rfind(_ROW_END)
        since_row = len(text) - end if end >= 0 else since_row + len(chunk)
        if since_row > LONGEST_ROW:
            raise WorkbookError(RefusalReason.TOO_LARGE, "a single row of it")
        uncalculated += sum(found.end() > len(before) for found in _UNCALCULATED.finditer(text))
        before = text[-_LONGEST_FORMULA:]
    return uncalculated


def _chunks(package: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    with package.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _ole_reason(file: BinaryIO) -> RefusalReason:
    before = b""
    while chunk := file.read(_MIB):
        if _ENCRYPTED in before + chunk:
            return RefusalReason.PASSWORD_PROTECTED
        before = chunk[-len(_ENCRYPTED) :]
    return RefusalReason.OLD_FORMAT


def _check_parts(package: zipfile.ZipFile) -> None:
    parts = package.infolist()
    names = {one.filename.lstrip("/").casefold() for one in parts}
    if "[content_types].xml" not in names:
        raise WorkbookError(RefusalReason.NOT_A_WORKBOOK, "a zip file, but no workbook")
    if any(mark in name for name in names for mark in _MACROS):
        raise WorkbookError(RefusalReason.HAS_MACROS)
    if any(name.endswith("workbook.bin") for name in names):
        raise WorkbookError(RefusalReason.OLD_FORMAT, "binary")
    if len(parts) > _MOST_PARTS:
        raise WorkbookError(RefusalReason.TOO_LARGE, f"{len(parts)} parts")
    for one in parts:
        _check_part(package, one)


def _check_part(package: zipfile.ZipFile, one: zipfile.ZipInfo) -> None:
    if one.flag_bits & 1:
        raise WorkbookError(RefusalReason.PASSWORD_PROTECTED)
    size = one.file_size
    streamed = PurePosixPath(one.filename).parent.name.casefold() == "worksheets"
    known = one.filename.casefold().endswith((".xml", ".rels"))
    multiplies = size > _RATIO_MATTERS and size > MOST_RATIO * max(one.compress_size, 1)
    if known and (size > LARGEST_PART or multiplies or (size > WHOLE_PART and not streamed)):
        raise WorkbookError(RefusalReason.TOO_LARGE, f"{one.filename}: {size // _MIB} MiB")
    if known and not streamed:
        with package.open(one) as stream:
            if _DOCTYPE.search(stream.read(_CHUNK)):
                raise WorkbookError(RefusalReason.NOT_A_WORKBOOK, "it declares a document type")
