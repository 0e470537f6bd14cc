"""The kinds of broker that a fault test asks for, with their markers: pytest sees no fixture that is asked for later."""

import pytest

EMBEDDED = pytest.param("embedded", marks=pytest.mark.embedded)
KAFKA = pytest.param("kafka", marks=pytest.mark.kafka)
