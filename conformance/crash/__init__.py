"""Kills a CSE under load, again and again, and looks whether anything that it had acknowledged is gone.

`python -m conformance.crash --help` says how to run it against any CSE; docs/crashes.md says what is checked.
"""
