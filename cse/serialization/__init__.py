"""How primitive content is written: JSON, CBOR and, where the extra `xml` is installed, XML (TS-0004 clause 8)."""
