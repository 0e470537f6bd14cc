"""The whole play against a hub, which is running already and has admitted the kit's units."""

from collections.abc import Mapping
from pathlib import Path

from adapters.conformance.adapter_play import Stage
from adapters.conformance.errors import ConformanceError
from adapters.conformance.hub_scenes import HubScenes
from adapters.conformance.hub_units import UNITS
from adapters.conformance.report import Report
from adapters.conformance.requirements import HUB_ALSO_WHEN_SEALED, HUB_ONLY_WHEN_SEALED, Side, of_side
from adapters.conformance.scripted_units import ScriptedUnits
from adapters.conformance.sealed_hub_scenes import SealedHubScenes
from contracts.dsse import from_envelope
from contracts.errors import ContractsError
from contracts.keys import SigningKey
from contracts.names import UnitId
from contracts.sealing.suites import OpeningKey
from contracts.trust_list import Directory, TrustList


def read_list(path: Path, keys: Mapping[UnitId, SigningKey]) -> Directory:
    """The hub's newest trust list, taken as the operator hands it over. Raises `ConformanceError` where it cannot be played by."""
    try:
        signed, _ = from_envelope(path.read_bytes().strip())
        directory = Directory(TrustList.model_validate_json(signed.payload), signed.digest)
    except (OSError, ContractsError, ValueError) as error:
        raise ConformanceError(
            f"{path} is no trust list", advice="Name the newest trust-list-<n>.dsse.json."
        ) from error
    missing = [unit for unit in UNITS if directory.key(keys[unit].key_id) is None]
    if missing:
        raise ConformanceError(
            f"{', '.join(missing)} are not admitted", advice="Admit the kit's requests, publish, try again."
        )
    return directory


async def play_units(
    stage: Stage,
    directory: Directory,
    keys: Mapping[UnitId, SigningKey],
    report: Report,
    opening: Mapping[UnitId, OpeningKey] | None = None,
) -> None:
    """Play the kit's units to the hub under test; `opening` are their encryption keys, needed where the programme is not on trial."""
    async with ScriptedUnits(stage.line, directory, keys, report, patience=stage.patience) as units:
        if directory.listed.trial:
            await HubScenes(units).play()
        else:
            await SealedHubScenes(units, opening or {}).play()


def asked_of_hubs(directory: Directory) -> frozenset[str]:
    """The requirements that a play puts to the test."""
    if directory.listed.trial:
        return frozenset(one.id for one in of_side(Side.HUB)) - HUB_ONLY_WHEN_SEALED
    return HUB_ONLY_WHEN_SEALED | HUB_ALSO_WHEN_SEALED
