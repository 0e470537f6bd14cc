"""Figures with baselines from the same run; `deploy/bench` runs them.

A module `bench_<domain word>.py` here is found by itself; its functions carry `@benchmark` (see registry).
"""
