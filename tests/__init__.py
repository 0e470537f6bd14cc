"""Tests of everything: unit · property · conformance · integration · e2e · faults · benchmarks; `deploy/test` runs them."""
