"""Users and permissions at the brokers, as an administrator's sign-in sees and changes them.

Invariants: only users that begin as ours do are touched, whatever else a shared cluster has; a password goes to the broker and into its file, and
shows in no message; what is permitted beyond what is wanted is taken away.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # confluent does not mark what it exports
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from hub.application.broker_permissions import Operation, Permission
from hub.application.ports import HubError
from hub.infrastructure.transport.secret_files import read_secret
from projections.certificate_fault import FAULT_WORDS, CertificateFault, fault_of

OURS: Final = ("hub-", "adapter-")
"""How the names of users begin that are managed here."""
_PATIENCE: Final = 30.0
_HANDSHAKE: Final = 5.0
_LOOK_AGAIN: Final = 0.1
"""Seconds between two looks at what a broker shows: it tells nobody when it has taken certificates over."""
_MECHANISM: Final = ScramMechanism.SCRAM_SHA_512
_ROUNDS: Final = 8192
_PRINCIPAL: Final = "User:"
_KEYSTORE: Final = ("ssl.keystore.location", "ssl.truststore.location")
_TO_DO: Final[Mapping[CertificateFault, str]] = {
    "unknown-authority": "Set ssl.ca.location in the sign-in file to the `ca.pem` of `spojka-hub transport`; "
    "if it is that, somebody else answers there.",
    "expired": "Put the newest of `spojka-hub transport` where the broker reads it, and restart that broker: it takes nothing from you meanwhile.",
    "not-yet-valid": "Set the clocks of both machines right.",
    "wrong-name": "Write bootstrap.servers in the sign-in file as the certificate names the broker.",
    "other": "Have it issued anew: `spojka-hub transport rotate certificates`.",
}
_OPERATIONS: Final = {
    Operation.READ: AclOperation.READ,
    Operation.WRITE: AclOperation.WRITE,
    Operation.CREATE: AclOperation.CREATE,
}


class BrokerAccessError(HubError):
    """The brokers did not do what was asked."""


def sign_in_of(file: Path) -> dict[str, str]:
    """An administrator's sign-in: librdkafka's settings, `name=value` a line. Raises `SecretFileError`, `BrokerAccessError`."""
    settings = {}
    for line in read_secret(file).splitlines():
        if line.strip() and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if not equals:
                raise BrokerAccessError(f"A line of {file} is no setting.", advice="Write name=value, one a line.")
            settings[name.strip()] = value.strip()
    return settings


class BrokerAccess:
    """The brokers, seen by an administrator. Every method raises `BrokerAccessError`."""

    def __init__(self, sign_in: Mapping[str, str]) -> None:
        self._where = sign_in.get("bootstrap.servers", "no address")
        self._sign_in = sign_in
        self._admin = AdminClient({"log_level": 0, **sign_in})

    def users(self) -> set[str]:
        """Our users."""
        found = self._done(self._admin.describe_user_scram_credentials())
        return {name for name in found if name.startswith(OURS)}

    def put_user(self, name: str, password: str) -> None:
        """Make a user, or give it another password."""
        info = ScramCredentialInfo(_MECHANISM, _ROUNDS)
        change = UserScramCredentialUpsertion(name, info, password.encode())
        self._all_done(self._admin.alter_user_scram_credentials([change]))

    def drop_user(self, name: str) -> None:
        """Let nobody sign in under this name any more."""
        change = UserScramCredentialDeletion(name, _MECHANISM)
        self._all_done(self._admin.alter_user_scram_credentials([change]))

    def permissions(self) -> set[AclBinding]:
        """Everything that our users are permitted now, of whatever kind."""
        anything = AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type] # confluent's types do not know of a filter that takes any
            ResourcePatternType.ANY,
            None,  # type: ignore[arg-type] # as above
            None,  # type: ignore[arg-type] # as above
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        found = self._done(self._admin.describe_acls(anything))
        return {one for one in found if one.principal.startswith(tuple(f"{_PRINCIPAL}{start}" for start in OURS))}

    def permit_exactly(self, wanted: Iterable[Permission]) -> tuple[int, int]:
        """Permit our users this and nothing else; returns how much was added and taken away. Adding comes first, so that nothing stands still."""
        now, then = self.permissions(), {_binding(one) for one in wanted}
        added, gone = then - now, now - then
        if added:
            self._all_done(self._admin.create_acls(list(added)))
        if gone:
            self._all_done(self._admin.delete_acls([_filter(one) for one in gone]))
        return len(added), len(gone)

    def load_certificates(self) -> list[tuple[str, int]]:
        """Have every broker read its certificate and whom it trusts again, without a restart; returns where they are.

        Returns when every broker has taken it over: a certificate that is replaced before its broker trusts the new authority is refused by it.
        """
        brokers = self._metadata().brokers
        for number in brokers:
            resource = ConfigResource(ConfigResource.Type.BROKER, str(number))
            wanted = {name: _spelled_otherwise(place) for name, place in self._places(number).items()}
            for name, place in wanted.items():
                resource.add_incremental_config(ConfigEntry(name, place, incremental_operation=AlterConfigOpType.SET))
            self._all_done(self._admin.incremental_alter_configs([resource]))
            self._until_taken_over(number, wanted)
        return [(broker.host, broker.port) for broker in brokers.values()]

    def _places(self, broker: int) -> dict[str, str]:
        """Where a broker's listeners find certificates and authorities, by setting, as the broker itself says."""
        settings = self._done_one(
            self._admin.describe_configs([ConfigResource(ConfigResource.Type.BROKER, str(broker))])
        )
        return {
            name: entry.value
            for name, entry in settings.items()
            if name.startswith("listener.name.") and name.endswith(_KEYSTORE) and entry.value
        }

    def _until_taken_over(self, broker: int, wanted: Mapping[str, str]) -> None:
        end = time.monotonic() + _PATIENCE
        while self._places(broker) != wanted:
            if time.monotonic() > end:
                raise BrokerAccessError(
                    f"Broker {broker} does not take over its certificates.",
                    advice="Its log says what keeps it from it.",
                )
            time.sleep(_LOOK_AGAIN)

    def _metadata(self) -> Any:  # noqa: ANN401 - confluent's metadata has no public type
        try:
            return self._admin.list_topics(timeout=_PATIENCE)
        except KafkaException as error:
            raise self._failure(error) from error

    def _done(self, future: Any) -> Any:  # noqa: ANN401 - as above
        try:
            return future.result(_PATIENCE)
        except (KafkaException, TimeoutError) as error:
            raise self._failure(error) from error

    def _done_one(self, futures: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - as above
        (future,) = futures.values()
        return self._done(future)

    def _all_done(self, futures: Mapping[Any, Any]) -> None:
        for future in futures.values():
            self._done(future)

    def _failure(self, error: Exception) -> BrokerAccessError:
        first = self._where.split(",")[0]
        if (fault := _certificate_fault(first, self._sign_in)) is not None:
            return BrokerAccessError(
                f"The certificate of the broker at {first} {FAULT_WORDS[fault]}.", advice=_TO_DO[fault]
            )
        told = error.args[0].str() if isinstance(error, KafkaException) else "no answer in time"
        return BrokerAccessError(
            f"The brokers at {self._where} did not do it: {told}.",
            advice="Check that they run, and that the sign-in file names an administrator (a super user) of theirs.",
        )


def _certificate_fault(address: str, sign_in: Mapping[str, str]) -> CertificateFault | None:
    """What is wrong with the certificate shown there: librdkafka tells only that nobody answered in time."""
    if not sign_in.get("security.protocol", "").upper().endswith("SSL"):
        return None
    host, _, port = address.rpartition(":")
    try:
        context = ssl.create_default_context(cafile=sign_in.get("ssl.ca.location"))
        context.check_hostname = sign_in.get("ssl.endpoint.identification.algorithm") != "none"
        with socket.create_connection((host, int(port)), timeout=_HANDSHAKE) as line:
            context.wrap_socket(line, server_hostname=host).close()
    except ssl.SSLCertVerificationError as refused:
        return fault_of(refused)
    except (OSError, ValueError):
        return None
    return None


def _spelled_otherwise(place: str) -> str:
    """The same file by another path: brokers read a file again when its setting changes, and show the setting once they have."""
    folder, _, name = place.rpartition("/")
    return f"{folder.removesuffix('/.')}/{name}" if folder.endswith("/.") else f"{folder}/./{name}"


def _binding(one: Permission) -> AclBinding:
    kind = ResourcePatternType.PREFIXED if one.prefix else ResourcePatternType.LITERAL
    user, allow = f"{_PRINCIPAL}{one.user}", AclPermissionType.ALLOW
    return AclBinding(ResourceType.TOPIC, one.topic, kind, user, "*", _OPERATIONS[one.operation], allow)


def _filter(one: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        one.restype, one.name, one.resource_pattern_type, one.principal, one.host, one.operation, one.permission_type
    )
