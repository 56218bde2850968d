"""A oneM2M CSE whose group fan-out uses the right network."""

__version__ = "0.1.0"
