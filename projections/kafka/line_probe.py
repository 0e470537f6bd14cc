"""Why a connection did not come about: aiokafka tries every address and tells only that none worked; here one is tried again and its refusal heard.

Invariant: nothing is asked of the broker beyond the sign-in itself.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from aiokafka import errors as kafka
from aiokafka.conn import create_conn

from projections.certificate_fault import fault_of
from projections.kafka.errors import (
    CertificateRefusedError,
    NoTlsError,
    SignInRefusedError,
    TransportError,
    advised,
)

if TYPE_CHECKING:
    from projections.kafka.connection import KafkaConnection

_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")


async def explained(error: BaseException, *, connection: KafkaConnection, address: str) -> TransportError:
    """The same trouble, with its reason where the broker or its certificate tells one."""
    if isinstance(error, TransportError) or not isinstance(error, kafka.KafkaConnectionError):
        return advised(error, address=address)
    return await refusal(connection, address) or advised(error, address=address)


async def refusal(connection: KafkaConnection, address: str) -> TransportError | None:
    """Why the first broker of `address` does not let us in; None where it does, or where it does not answer at all."""
    first = address.split(",", maxsplit=1)[0]
    host, _, port = first.rpartition(":")
    options = connection.client_options(address)
    del options["bootstrap_servers"]
    try:
        connected = await create_conn(host, int(port), **options)
    except ssl.SSLCertVerificationError as refused:
        return CertificateRefusedError(address=first, fault=fault_of(refused), told=refused.verify_message)
    except ssl.SSLError as refused:
        return NoTlsError(address=first) if refused.reason in _NO_TLS else None
    except (kafka.SaslAuthenticationFailed, kafka.AuthenticationFailedError, kafka.UnsupportedSaslMechanismError):
        return SignInRefusedError(address=first, user=options["sasl_plain_username"] or "")
    except (kafka.KafkaError, OSError, TimeoutError, ValueError):
        return None
    connected.close()
    return None
