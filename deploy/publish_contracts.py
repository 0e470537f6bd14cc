"""Writes what the contracts publish of themselves: `python -m deploy.publish_contracts [--check]`.

Invariants: every file is made from the code alone, so the same code writes the same bytes; a published file that the code no longer makes is removed;
`--check` writes nothing and exits with 1 when a file is not current.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from adapters.api import document as openapi
from adapters.conformance import requirements_page
from contracts import asyncapi
from contracts.catalogue_page import page
from contracts.golden_corpus.corpus import documents
from contracts.json_schemas import schemas

FOLDER: Final = Path(__file__).resolve().parents[1] / "contracts"
VERSION: Final = "1.0.0"
"""Of the contracts: the major number rises when an adapter that followed them would break."""
_GENERATED: Final = ("schemas/*.json", "golden/*.json", "catalogue.md", "conformance.md")


def published() -> Mapping[str, str]:
    """Every published file by its path below `contracts/`."""
    files = {f"schemas/{name}.schema.json": _json(schema) for name, schema in schemas().items()}
    files["schemas/asyncapi.json"] = _json(asyncapi.document(VERSION))
    files["schemas/openapi.json"] = openapi.text()
    files |= {f"golden/{name}": _json(document) for name, document in documents().items()}
    return files | {"catalogue.md": page(), "conformance.md": requirements_page.page()}


def stale(folder: Path = FOLDER) -> list[str]:
    """Files that are missing, differ, or are published no more."""
    wanted = published()
    there = {str(file.relative_to(folder)) for pattern in _GENERATED for file in folder.glob(pattern)}
    differing = {name for name, text in wanted.items() if name not in there or _read(folder / name) != text}
    return sorted(differing | (there - set(wanted)))


def publish(folder: Path = FOLDER) -> list[str]:
    """Bring all files up to date; returns those that were not."""
    wanted, changed = published(), stale(folder)
    for name in changed:
        if name not in wanted:
            (folder / name).unlink()
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(wanted[name], encoding="utf-8", newline="\n")
    return changed


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m deploy.publish_contracts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a file is not current")
    check = parser.parse_args().check
    changed = stale() if check else publish()
    for name in changed:
        print(f"{'not current' if check else 'written'}: contracts/{name}")
    if check and changed:
        print("Run python -m deploy.publish_contracts and commit what it wrote.")
    return 1 if check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
