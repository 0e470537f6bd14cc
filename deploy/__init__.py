"""Launchers and what they start: the commands `demo`, `test`, `bench`, and the servers in `deploy.servers`.

Nothing in contracts, projections, hub or adapters may import from here.
"""
