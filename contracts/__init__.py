"""What crosses a border, and the rules that every side must decide alike.

Pure: pydantic and cryptography only, no I/O. Everyone may import it; it imports nothing of ours.
"""
