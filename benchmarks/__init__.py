"""How fast the server is on this machine, beside an empty endpoint that is measured in the same run."""
