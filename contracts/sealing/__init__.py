"""Content that only the right institutions can open (DESIGN section 9; STANDARDS, encryption).

A unit makes a content key per (subject, scope, epoch), deposits it with the hub's key service, and seals each message under a key derived from it.
The key service releases the content key, or the keys of chosen messages, to whom a ground permits the entries.

| file | holds |
|---|---|
| `content_key` | content keys, their ids, message keys, scopes |
| `jwe` | the compact form on the wire: `dir`, `A256GCM`, padded |
| `content` | a message's content, sealed and opened |
| `suites` | HPKE suites, and encryption keys by their ids |
| `deposit` | a content key on its way to the key service, in the header `spojka-key` |
| `release` | a key on its way to a recipient, as a record of its feed |
"""
