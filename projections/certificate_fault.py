"""Why a certificate that somebody shows is not trusted, told in the same words on every line: to brokers, databases, mail servers and web addresses.

Invariant: a fault is read from OpenSSL's own verdict, never guessed from a text.
"""

import ssl
from collections.abc import Iterator, Mapping
from typing import Final, Literal

CertificateFault = Literal["unknown-authority", "expired", "not-yet-valid", "wrong-name", "other"]

FAULT_WORDS: Final[Mapping[CertificateFault, str]] = {
    "unknown-authority": "is signed by an authority that is not trusted here",
    "expired": "has expired",
    "not-yet-valid": "is not valid yet",
    "wrong-name": "is for another name",
    "other": "is refused",
}
"""As a sentence goes on after `The certificate of …`."""

_OTHERS: Final[Mapping[CertificateFault, str]] = {
    "unknown-authority": "If it is right, name that authority's file in SSL_CERT_FILE; else somebody else answers there.",
    "expired": "Only whoever runs it can renew it: tell them.",
    "not-yet-valid": "Set this computer's clock; else whoever runs it must renew it.",
    "wrong-name": "Write the address as whoever runs it gave it; if it is right, somebody else answers there: tell them.",
    "other": "Send whoever runs it this message.",
}
"""What to do where somebody else runs what was asked."""

_CODES: Final[Mapping[int, CertificateFault]] = {
    9: "not-yet-valid",
    10: "expired",
    18: "unknown-authority",
    19: "unknown-authority",
    20: "unknown-authority",
    21: "unknown-authority",
    62: "wrong-name",
    64: "wrong-name",
}
"""OpenSSL's X509_V_ERR codes: validity, the chain's end, host name and address."""


def fault_of(refused: ssl.SSLCertVerificationError) -> CertificateFault:
    """Which fault a refusal is about."""
    return _CODES.get(refused.verify_code, "other")


def refusal_within(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The refused certificate that an error of a library came from; None where it came from something else."""
    return next((one for one in _chain(error) if isinstance(one, ssl.SSLCertVerificationError)), None)


def refused_elsewhere(error: BaseException, *, whose: str) -> str | None:
    """What is wrong with a certificate of somebody else and what to do; None where the error is about no certificate."""
    refused = refusal_within(error)
    if refused is None:
        return None
    fault = fault_of(refused)
    return f"The certificate of {whose} {FAULT_WORDS[fault]}. {_OTHERS[fault]}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        reason = getattr(error, "reason", None)  # urllib's way to hand on what it met
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
