"""The engine for readable JSON: TinyDB's tables in memory, on disk a snapshot and a journal beside it."""
