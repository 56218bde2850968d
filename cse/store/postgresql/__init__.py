"""The engine for PostgreSQL, shared by any number of processes on any number of machines."""
