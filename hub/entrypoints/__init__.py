"""Commands and processes: the only place that knows asyncio, FastStream and threads. Imported by nothing."""
