"""Why the certificate of a PostgreSQL server is refused: libpq says only that it is, so the same server is asked again and OpenSSL's verdict heard.

Invariant: nothing is sent to the server beyond the wish to speak TLS.
"""

import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from projections.certificate_fault import FAULT_WORDS, CertificateFault, fault_of

_SSL_REQUEST: Final = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""PostgreSQL's SSLRequest: its length and its code; the answer is one byte, `S` where TLS is spoken."""
_PATIENCE: Final = 5.0


class RefusedCertificate(NamedTuple):
    """Which fault it is, and a sentence that says so of the server by its name."""

    fault: CertificateFault
    problem: str


def refusal(error: BaseException) -> RefusedCertificate | None:
    """What is wrong with the server's certificate, by an error of psycopg (not imported: others have none); None of everything else."""
    line: Any = getattr(error, "pgconn", None)
    if "certificate" not in str(error) or line is None:
        return None
    given = {one.keyword.decode(): (one.val or b"").decode() for one in line.info}
    refused = _refused(given)
    if refused is None:
        return None
    fault = fault_of(refused)
    server = f"the database at {given['host']}:{given['port']}"
    return RefusedCertificate(fault, f"The certificate of {server} {FAULT_WORDS[fault]}.")


def _refused(given: Mapping[str, str]) -> ssl.SSLCertVerificationError | None:
    try:
        context = ssl.create_default_context(cafile=given["sslrootcert"] or None)
        context.check_hostname = given["sslmode"] == "verify-full"
        where = (given["hostaddr"] or given["host"], int(given["port"]))
        with socket.create_connection(where, timeout=_PATIENCE) as line:
            line.sendall(_SSL_REQUEST)
            if line.recv(1) == b"S":
                context.wrap_socket(line, server_hostname=given["host"]).close()
    except ssl.SSLCertVerificationError as refused:
        return refused
    except (OSError, ValueError):
        return None  # it went away since, or is no single host: what libpq said stands
    return None
