"""Outgoing webhooks: news of a unit sent to other systems of its institution, signed as Standard Webhooks says.

`news` follows the journal and queues deliveries, `sending` sends them with back-off, `addresses` keeps requests out of networks where they have no
business, `set_up` adds and removes. Imported by `configured`, the command line and the API.
"""
