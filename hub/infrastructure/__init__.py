"""The ports on PostgreSQL and Kafka. Imported by entrypoints only."""
