"""Why the database's certificate is refused: libpq says only that it is, so the same server is asked once more and OpenSSL's verdict heard.

Invariant: nothing is sent to the server beyond the wish to speak TLS.
"""

import socket
import ssl
from collections.abc import Mapping
from typing import Final

import psycopg

from projections.certificate_fault import FAULT_WORDS, CertificateFault, fault_of

_SSL_REQUEST: Final = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""PostgreSQL's SSLRequest: its length and its code; the answer is one byte, `S` where TLS is spoken."""
_PATIENCE: Final = 5.0
_TO_DO: Final[Mapping[CertificateFault, str]] = {
    "unknown-authority": "Set SPOJKA_HUB_DATABASE_CA_FILE (or `sslrootcert`) to the `ca.pem` of `spojka-hub transport`; "
    "if it is that, somebody else answers there.",
    "expired": "Renew it: `spojka-hub transport rotate certificates`, put the files where PostgreSQL reads them, and have it reload.",
    "not-yet-valid": "Set the clocks of both machines right.",
    "wrong-name": "Write the host as the certificate names it, or have one issued for this one: "
    "`spojka-hub transport apply --server database=HOST`.",
    "other": "Have it issued anew: `spojka-hub transport rotate certificates`.",
}


def refusal(error: psycopg.Error) -> tuple[str, str] | None:
    """What is wrong with the server's certificate, and what to do; None where the error is about something else."""
    if "certificate" not in str(error) or error.pgconn is None:
        return None
    given = {one.keyword.decode(): (one.val or b"").decode() for one in error.pgconn.info}
    refused = _refused(given)
    if refused is None:
        return None
    fault = fault_of(refused)
    return f"The certificate of the database at {given['host']}:{given['port']} {FAULT_WORDS[fault]}.", _TO_DO[fault]


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
