"""Followers of a unit's journal, each with its own position: what goes on from the unit into other systems (webhooks, exports).

`follower` is the port, `following` takes one step, `at_work` runs all of a unit's followers beside it, `configured` says which there are. Imports
process and what lies under it; imported by the command line.
"""
