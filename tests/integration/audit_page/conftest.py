"""One page for all: starting a broker and a writer costs seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.audit_page.page_rig import Page, page_over
from tests.unit.hub.test_story_recipients import played

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.servers.postgres import PostgresServer

_DATABASE = "audit_page"


@pytest.fixture(scope="package")
def page(tmp_path_factory: pytest.TempPathFactory, quick_postgres_server: PostgresServer) -> Iterator[Page]:
    """The page over the story of Děčín."""
    quick_postgres_server.start()
    dsn = quick_postgres_server.create_database(_DATABASE)
    with page_over(tmp_path_factory.mktemp("audit-page"), dsn, played()) as opened:
        yield opened
    quick_postgres_server.start()
    quick_postgres_server.drop_database(_DATABASE)
