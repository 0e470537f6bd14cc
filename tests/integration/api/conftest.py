"""A place for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.api.api_rig import Place, place_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with place_in(tmp_path) as opened:
        yield opened
