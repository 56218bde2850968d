"""The operations on the resource tree, each inside one unit of work (TS-0004 clause 7.3)."""
