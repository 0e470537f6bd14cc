"""What tells that two are one person: national ids, pairing slips, likeness. Imported by desk, process and cli; imports no other room.

Nothing here reads or writes a unit's database, and nothing of it leaves the adapter but a subject or what a person prints.
"""
