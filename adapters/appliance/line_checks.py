"""What the doctor finds on the line to the hub, from the near end to the far one.

Invariants: each step is tried only where the one before it held, so that the first fault is the one to mend; nothing is sent to the hub.
"""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka

from adapters.appliance.finding import Check, Finding
from adapters.exchange.directory_reader import DIRECTORY
from adapters.exchange.publisher import INBOX
from contracts.names import UnitId
from projections.certificate_fault import CertificateFault
from projections.kafka.connection import KafkaConnection
from projections.kafka.errors import (
    CaFileError,
    CertificateRefusedError,
    NoTlsError,
    SignInFileError,
    SignInRefusedError,
    TransportError,
)
from projections.kafka.line_probe import refusal
from projections.kafka.quiet_logs import quiet_client_logs
from projections.process.health import Status

PATIENCE: Final = 5.0
"""Seconds for each step."""
_CERTIFICATE: Final[Mapping[CertificateFault, Check]] = {
    "unknown-authority": Check.CERTIFICATE_UNKNOWN,
    "expired": Check.CERTIFICATE_EXPIRED,
    "wrong-name": Check.CERTIFICATE_NAME,
}


async def line_findings(connection: KafkaConnection, units: Sequence[UnitId]) -> list[Finding]:
    """The line, step by step, up to the first that fails."""
    quiet_client_logs()
    try:
        address = connection.address()
    except TransportError as error:
        return [Finding(Check.ADDRESS, "fail", {"address": "–", "cause": str(error)})]
    host, _, port = address.split(",", maxsplit=1)[0].rpartition(":")
    found = [await _address(host)]
    if found[-1].status == "pass":
        found.append(await _port(host, int(port)))
    if found[-1].status == "pass":
        found += await _broker(connection, address, units)
    return found


async def _address(host: str) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().getaddrinfo(host, None)
    except (OSError, TimeoutError) as error:
        return Finding(Check.ADDRESS, "fail", {"address": host, "cause": _said(error)})
    return Finding(Check.ADDRESS, "pass", {"address": host})


async def _port(host: str, port: int) -> Finding:
    details = {"address": f"{host}:{port}"}
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
    except (OSError, TimeoutError) as error:
        return Finding(Check.PORT, "fail", details | {"cause": _said(error)})
    return Finding(Check.PORT, "pass", details)


async def _broker(connection: KafkaConnection, address: str, units: Sequence[UnitId]) -> list[Finding]:
    details = {"address": address}
    try:
        consumer: Any = AIOKafkaConsumer(**connection.client_options(address), enable_auto_commit=False)
    except TransportError as error:
        return [refused(error, details)]
    try:
        async with asyncio.timeout(2 * PATIENCE):
            await consumer.start()
        missing = sorted(_topics(units) - await consumer.topics())
    except (kafka.KafkaError, TimeoutError, OSError) as error:
        why = await refusal(connection, address)
        return [
            Finding(Check.BROKER, "fail", details | {"cause": _said(error)}) if why is None else refused(why, details)
        ]
    finally:
        await consumer.stop()
    status: Status = "fail" if missing else "pass"
    return [Finding(Check.BROKER, "pass", details), Finding(Check.TOPICS, status, {"topics": ", ".join(missing)})]


def refused(error: TransportError, details: Mapping[str, str]) -> Finding:
    """What keeps us out, by its own name, so that the text says what to do about just that."""
    match error:
        case CertificateRefusedError():
            return Finding(_CERTIFICATE.get(error.fault, Check.CERTIFICATE), "fail", {**details, "cause": error.fault})
        case SignInRefusedError():
            return Finding(Check.SIGN_IN, "fail", {**details, "user": error.user})
        case SignInFileError():
            return Finding(Check.SIGN_IN_FILE, "fail", {**details, "file": str(error.path)})
        case CaFileError():
            return Finding(Check.CA_FILE, "fail", {**details, "file": str(error.path)})
        case NoTlsError():
            return Finding(Check.NO_TLS, "fail", details)
        case _:
            return Finding(Check.BROKER, "fail", {**details, "cause": str(error)})


def _topics(units: Sequence[UnitId]) -> set[str]:
    return {INBOX, DIRECTORY, *(f"feed.{unit}" for unit in units)}


def _said(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return error.strerror or "no such name"
    return f"{type(error).__name__}: {error}".rstrip(": ")
