"""The proofs that a unit keeps of what it sent: listed, saved as files, checked.

Invariant: `check` believes the policy file and the list of participants, nothing that the proof says of itself.
"""

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.answers import as_json, show
from adapters.cli.opening import AsJson, Home, Lang, Unit, opened
from adapters.drafts import ClientKey
from adapters.process.entry_proof_file import check, proof_of
from contracts.ledger import policy as policies
from contracts.ledger import proof_file
from contracts.names import MessageId

app = typer.Typer(
    no_args_is_help=True, help="Proofs of what this unit sent, under checkpoints that other units witnessed."
)


@app.command("list")
def list_proofs(
    client: Annotated[str, typer.Argument(help="The client's number here.")],
    *,
    as_lines: AsJson = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """What this unit sent about a client, and whether it is proven."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            subject = tx.clients.subject_of(ClientKey(client))
            entries = (
                [] if subject is None else [one for one in tx.journal.of_subject(subject) if one.state is not None]
            )
            found = [(one, tx.proofs.find(one.message_id)) for one in entries]
        if as_lines:
            as_json(
                [
                    {"id": entry.message_id, "type": entry.type, "proven": proof is not None and proof.size is not None}
                    for entry, proof in found
                ]
            )
            return
        rows = [
            [
                here.local(entry.time),
                here.words.of_type(entry.type),
                entry.message_id,
                here.words["yes" if proof is not None and proof.size is not None else "no"],
            ]
            for entry, proof in found
        ]
        show(here, "proofs", ("when", "what", "number", "proven"), rows)


@app.command()
def save(
    message: Annotated[str, typer.Argument(help="The entry's id, as `proof list` shows it.")],
    file: Annotated[Path, typer.Argument(help="A new file (C2SP tlog-proof).")],
    *,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Write the proof of one entry into a file that stands alone: the path, the witnessed checkpoint, the hub's receipt."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            text = proof_of(tx, MessageId(message)).text
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
        here.out.print(here.words["proof.saved"].format(file=file), markup=False)


@app.command("check")
def check_file(
    file: Annotated[Path, typer.Argument(help="A proof.", exists=True, dir_okay=False)],
    *,
    policy: Annotated[Path, typer.Option(help="Whose word counts: a C2SP tlog-policy.", exists=True, dir_okay=False)],
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Check a proof by a policy of your own choice."""
    with opened(home, unit, lang) as here:
        trusted = policies.parse(policy.read_text(encoding="utf-8"))
        proof = proof_file.parse(file.read_text(encoding="utf-8"))
        receipt, head = check(proof, trusted, here.house.directory)
        said = here.words["proof.holds"].format(
            id=receipt.id, digest=receipt.digest, position=receipt.position, size=head.size, origin=head.origin
        )
        here.out.print(said, markup=False)
