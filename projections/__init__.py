"""Read models (one file each) with the one runner that builds them, and what hub and adapters share to follow a topic. Imported by hub and adapters."""
