"""Who may reach what: certificates of the programme's own authority, users and permissions at the brokers, files of secrets.

May be imported by `hub.entrypoints` and by launchers; knows nothing of the log.
"""
