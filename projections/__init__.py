"""Read models (one file each), the one runner that builds them, and what hub and adapters share to follow a topic. Imported by both."""
