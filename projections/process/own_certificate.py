"""TLS of a page, an API or health as the one who serves: under a certificate that somebody could trust.

Invariant: a certificate that whoever asks would refuse for its time is not served: it is said at start, to the person who can renew it.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509


class OwnCertificateError(Exception):
    """Certificate and key cannot be served."""

    def __init__(self, problem: str, *, advice: str) -> None:
        super().__init__(f"{problem}. {advice}")
        self.problem = problem
        self.advice = advice


def serving_tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """What speaks TLS under this certificate. Raises `OwnCertificateError`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        shown = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:  # ssl's errors are OSErrors
        raise OwnCertificateError(
            f"Certificate or key does not read ({type(error).__name__})",
            advice="Both are PEM, and the key is the certificate's own.",
        ) from error
    if shown.not_valid_after_utc < datetime.now(UTC):
        raise OwnCertificateError(
            f"The certificate {certificate} has expired ({shown.not_valid_after_utc:%Y-%m-%d}), so nobody would accept it",
            advice="Have a new one made, put it in its place and start again.",
        )
    return context
