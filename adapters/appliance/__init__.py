"""What keeps an adapter alive where there is no administrator: first set-up, a doctor, backup and restore, the service of the operating system.

Imports process and what lies below. Imported by cli. Nothing here sends a message about a client.
"""
