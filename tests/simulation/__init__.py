"""A hub in one thread: intake and relay over the memory store, with units that sign what a test tells them to. Imported by tests only."""
