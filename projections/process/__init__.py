"""What every long-running process of ours needs, whichever side it is on: logs, and an endpoint for health and metrics.

May be imported by entry points of `hub` and `adapters`, which may not import each other; imports nothing of theirs.
"""
