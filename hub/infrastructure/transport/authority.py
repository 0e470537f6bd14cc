"""The programme's own certificate authority: it signs for brokers, databases and web faces, and for the operator's own sign-in at the brokers.

Invariants: private keys stay in this folder, each readable by its owner alone; `ca.pem` holds every authority that is trusted now, the newest first;
the newest signs; an authority is dropped only when nothing in this folder bears its signature; names are checked against the host names and
addresses of a certificate alone (RFC 9525), never against its common name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.application.ports import HubError
from hub.infrastructure.transport.secret_files import write_secret

TRUSTED: Final = "ca.pem"
KEY_AND_CERTIFICATE: Final = "key-and-certificate.pem"
KEY: Final = "key.pem"
CERTIFICATE: Final = "certificate.pem"
AUTHORITY_LASTS: Final = timedelta(days=3650)
CERTIFICATE_LASTS: Final = timedelta(days=397)
_BACKDATED: Final = timedelta(hours=1)
"""Clocks of clients that are behind accept a fresh certificate all the same."""


class AuthorityError(HubError):
    """The authority cannot do what was asked."""


class Kind(StrEnum):
    """What a certificate is for."""

    BROKER = "broker"
    """Serves, and signs in at the other brokers."""
    SERVER = "server"
    CLIENT = "client"


_USES: Final = {
    Kind.BROKER: (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
    Kind.SERVER: (ExtendedKeyUsageOID.SERVER_AUTH,),
    Kind.CLIENT: (ExtendedKeyUsageOID.CLIENT_AUTH,),
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a certificate is for: its name, and the host names and addresses under which clients reach it."""

    name: str
    hosts: Sequence[str] = ()
    kind: Kind = Kind.SERVER


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate of this folder."""

    name: str
    hosts: tuple[str, ...]
    kind: Kind
    expires: datetime
    current: bool
    """Signed by the newest authority."""


class Authority:
    """`<folder>/authority/<n>.pem` and `.key`, `<folder>/ca.pem`, `<folder>/<kind>/<name>/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trusted = folder / TRUSTED

    def begin(self, *, at: datetime) -> bool:
        """Make the first authority; False where there is one."""
        if self._numbers():
            return False
        self.renew(at=at)
        return True

    def renew(self, *, at: datetime) -> None:
        """Make the next authority, trusted beside those before it; what is issued from now on is signed by it."""
        number = max(self._numbers(), default=0) + 1
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"Spojka authority {number}")
        certificate = (
            _builder(name, name, key.public_key(), key.public_key(), at=at, lasts=AUTHORITY_LASTS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_secret(self._path(number, "key"), _pem_of(key))
        self._path(number, "pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        self._publish()

    def retire(self) -> int:
        """Trust the newest authority alone; returns how many were dropped. Raises `AuthorityError` while one before it is still in use."""
        in_use = [one.name for one in self.issued() if not one.current]
        if in_use:
            raise AuthorityError(
                f"Certificates of an earlier authority are in use: {', '.join(in_use)}.",
                advice="Renew them first (`spojka-hub transport rotate certificates`) and have the servers load them.",
            )
        *earlier, _ = self._numbers() or [0]
        for number in earlier:
            self._path(number, "key").unlink()
            self._path(number, "pem").unlink()
        self._publish()
        return len(earlier)

    def issue(self, holder: Holder, *, at: datetime, lasts: timedelta = CERTIFICATE_LASTS) -> Path:
        """Make a key and a certificate in place of those before; returns their folder. Raises `AuthorityError` where there is no authority."""
        if not (numbers := self._numbers()):
            raise AuthorityError("There is no authority yet.", advice="Run `spojka-hub transport apply`.")
        signer, signing = self._authority(numbers[-1])
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(_name(holder.name), signer.subject, key.public_key(), signing.public_key(), at=at, lasts=lasts)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_USES[holder.kind]), critical=False)
        )
        if holder.hosts:
            names = x509.SubjectAlternativeName([_host(one) for one in holder.hosts])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(signing, hashes.SHA256()).public_bytes(Encoding.PEM)
        folder = self.folder / holder.kind / holder.name
        write_secret(folder / KEY, _pem_of(key))
        write_secret(folder / KEY_AND_CERTIFICATE, _pem_of(key) + certificate)
        (folder / CERTIFICATE).write_bytes(certificate)
        return folder

    def issued(self) -> list[Issued]:
        """Every certificate of this folder, by kind and name."""
        newest = self._authority(self._numbers()[-1])[0] if self._numbers() else None
        found = []
        for path in sorted(path for kind in Kind for path in self.folder.glob(f"{kind}/*/{CERTIFICATE}")):
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
            found.append(
                Issued(
                    name=path.parent.name,
                    hosts=_hosts(certificate),
                    kind=Kind(path.parent.parent.name),
                    expires=certificate.not_valid_after_utc,
                    current=newest is not None and certificate.issuer == newest.subject,
                )
            )
        return found

    def is_current(self, shown: str) -> bool:
        """Whether a certificate that a server shows (PEM) is one that lies in this folder now."""
        serial = x509.load_pem_x509_certificate(shown.encode()).serial_number
        files = (path for kind in Kind for path in self.folder.glob(f"{kind}/*/{CERTIFICATE}"))
        return any(x509.load_pem_x509_certificate(path.read_bytes()).serial_number == serial for path in files)

    def _numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in (self.folder / "authority").glob("*.pem"))

    def _path(self, number: int, ending: str) -> Path:
        return self.folder / "authority" / f"{number}.{ending}"

    def _authority(self, number: int) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        try:
            key = load_pem_private_key(self._path(number, "key").read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate(self._path(number, "pem").read_bytes())
        except (OSError, ValueError) as error:
            raise AuthorityError(
                f"The authority's key in {self._path(number, 'key')} does not read.",
                advice="Restore it from its backup, or make a new one: `spojka-hub transport rotate authority`.",
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityError("The authority's key is none of ours.", advice="Restore it from its backup.")
        return certificate, key

    def _publish(self) -> None:
        newest_first = [self._path(number, "pem").read_bytes() for number in reversed(self._numbers())]
        beside = self.trusted.with_suffix(".new")
        beside.write_bytes(b"".join(newest_first))
        beside.replace(self.trusted)


def _builder(  # noqa: PLR0913 - what every certificate has
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    signing: ec.EllipticCurvePublicKey,
    *,
    at: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _BACKDATED)
        .not_valid_after(at + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(written: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(written))
    except ValueError:
        return x509.DNSName(written)


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress)))


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
