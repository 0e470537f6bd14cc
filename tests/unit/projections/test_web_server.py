"""What serves pages and the local API."""

import socket

from fastapi import FastAPI

from projections.process.web_server import ServedAt, WebServer


def test_whoever_is_told_an_address_may_come_before_anybody_answers() -> None:
    server = WebServer(FastAPI(), ServedAt(name="The page", host="127.0.0.1", port=0, port_setting="port"))
    try:
        with socket.create_connection((server.host, server.port), timeout=5) as waiting:
            assert waiting.getpeername() == (server.host, server.port)
    finally:
        server.close()
