"""Topics as a new programme finds them."""

from deploy.servers.topics import programme_topics
from tests.benchmarks.registry import Bench
from tests.simulation.programme import PARTITIONS, STORY_UNITS


def fresh_topics(bench: Bench) -> None:
    """Delete everything on real Kafka and make the story's topics again."""
    bench.kafka.delete_all_topics()
    units = [spec.name for spec in STORY_UNITS]
    bench.kafka.create_topics(programme_topics(units, inbox_partitions=PARTITIONS))
