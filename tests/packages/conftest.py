"""These packages are tested as a stranger would: installed, outside of this tree (tests/test_wheel.py)."""

collect_ignore = ["pigeon_network"]
