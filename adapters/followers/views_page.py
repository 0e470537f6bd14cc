"""The part of README.md that names every view and column: `python -m adapters.followers.views_page` writes it.

Invariant: generated from the views; a test fails where it is not current.
"""

from pathlib import Path
from typing import Final

from projections.local_views import LOCAL_VIEWS

PAGE: Final = Path(__file__).with_name("README.md")
_BEGIN: Final = "<!-- views: written by `python -m adapters.followers.views_page` -->\n"
_END: Final = "<!-- end of views -->\n"


def views_part() -> str:
    """Every view with its columns, as Markdown."""
    parts = []
    for view in LOCAL_VIEWS:
        rows = "".join(f"| `{one.name}` | {one.meaning} |\n" for one in view.columns)
        parts.append(f"\n### {view.name}\n\n{view.meaning}\n\n| column | meaning |\n|---|---|\n{rows}")
    return "".join(parts) + "\n"


def page() -> str:
    """The page as it should stand in the file."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + views_part() + _END + after


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
