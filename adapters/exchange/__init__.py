"""What goes to the hub and comes from it: publisher, feed, directory. Everything that is taken in is verified first.

Imports desk and storage. Imported by process, which runs it.
"""
