"""The embedded engines: a SQLite file, and the same tables in memory for tests."""
