"""A PDF page by page: headings, paragraphs, footers; tagged, so that a reader's voice goes through it in its order.

Invariants: every word is in the structure tree once, in the order in which it is read, as heading or paragraph; footers are artifacts; language,
title and outline are set; black on white; what the font cannot draw shows as `?` and is counted. fpdf2 tags pictures only, and headings as pictures,
so blocks are tagged here by its own means (`struct_builder`, `_add_marked_content`); a test reads the tree back.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import as_file, files
from typing import Final, Literal

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

from adapters.words import Language

FONT: Final = "Roboto"
_FOLDER: Final = files("adapters.reports") / "fonts"
_MARGIN: Final = 20.0
_BOTTOM: Final = 22.0
_LEADING: Final = 1.32
_MM_A_POINT: Final = 25.4 / 72
_UNKNOWN: Final = "?"
_FOOT_POINTS: Final = 8.5
_KEPT_TOGETHER: Final = 2
"""Lines that a block begins with on the same page."""

Block = Literal["H1", "H2", "H3", "P"]
_SIZES: Final = {"H1": 20.0, "H2": 14.0, "H3": 11.0, "P": 10.5}
_ABOVE: Final = {"H1": 0.0, "H2": 6.0, "H3": 3.5, "P": 1.0}
_ROOM_BELOW: Final = {"H1": 30.0, "H2": 25.0, "H3": 12.0, "P": 0.0}
"""A heading begins a page where less than that is left for what it is about."""


class Sheet(FPDF):
    """One document being written."""

    def __init__(self, *, title: str, language: Language, foot: str, made_at: datetime) -> None:
        super().__init__(format="A4")
        self.unprintable = 0
        self._marked: Counter[int] = Counter()
        self._foot = foot
        self.set_title(title)
        self.set_lang(language)
        self.set_creator("Spojka")
        self.set_creation_date(made_at)
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(auto=False, margin=_BOTTOM)
        for style, name in (("", "Regular"), ("B", "Bold")):
            with as_file(_FOLDER / f"Roboto-{name}.ttf") as file:
                self.add_font(FONT, style, file)
        self.set_font(FONT, "", _SIZES["P"])
        self._drawable = frozenset(self.fonts[FONT.lower()].cmap)  # type: ignore[union-attr] # a font of ours has one
        self.add_page()

    def heading(self, block: Literal["H1", "H2", "H3"], text: str) -> None:
        """A heading; those of sections stand in the outline."""
        if self._left() < _ROOM_BELOW[block]:
            self.add_page()
        if block == "H2":
            self.ln(_ABOVE[block])
            self.start_section(text)
            self._write("H2", text, above=0.0, bold=True)
        else:
            self._write(block, text, above=_ABOVE[block], bold=True)

    def paragraph(self, text: str, *, indent: float = 0.0) -> None:
        """A paragraph, over as many pages as it takes."""
        self._write("P", text, above=_ABOVE["P"], bold=False, indent=indent)

    def footer(self) -> None:
        """Who made it, and the page; no part of what is read aloud."""
        self.set_y(-_BOTTOM + 8)
        self.set_font(FONT, "", _FOOT_POINTS)
        self._out("/Artifact BMC")
        self.cell(self.epw * 0.8, 5, self._printable(self._foot)[:110])
        self.cell(self.epw * 0.2, 5, f"{self.page_no()} / {{nb}}", align="R")
        self._out("EMC")

    def _write(self, block: Block, text: str, *, above: float, bold: bool, indent: float = 0.0) -> None:
        self.set_font(FONT, "B" if bold else "", _SIZES[block])
        height = _SIZES[block] * _MM_A_POINT * _LEADING
        width = self.epw - indent
        lines = self._lines(self._printable(text), width, height)
        self.ln(above)
        while lines:
            fitting = int(self._left() / height)
            if fitting < min(len(lines), _KEPT_TOGETHER):
                self.add_page()
                self.set_font(FONT, "B" if bold else "", _SIZES[block])
                continue
            with self._tagged(block):
                for line in lines[:fitting]:
                    self.set_x(_MARGIN + indent)
                    self.cell(width, height, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            lines = lines[fitting:]

    def _lines(self, text: str, width: float, height: float) -> list[str]:
        found = self.multi_cell(width, height, text, align="L", dry_run=True, output=MethodReturnValue.LINES)
        return [str(one) for one in found]  # type: ignore[union-attr] # by the value that was asked for

    def _left(self) -> float:
        return self.h - _BOTTOM - self.get_y()

    @contextmanager
    def _tagged(self, block: Block) -> Iterator[None]:
        marked = self._marked[self.page]  # counted here: fpdf2 counts all blocks of the document anew for each
        self._marked[self.page] += 1
        self._add_marked_content(struct_type=f"/{block}", mcid=marked)
        self._out(f"/{block} <</MCID {marked}>> BDC")
        yield
        self._out("EMC")

    def _printable(self, text: str) -> str:
        """Without what the font cannot draw."""
        unknown = {one for one in text if one != "\n" and ord(one) not in self._drawable}
        self.unprintable += sum(one in unknown for one in text)
        return "".join(_UNKNOWN if one in unknown else one for one in text)
