"""The CoAP binding (TS-0008): messages, what they carry, and where they go."""
