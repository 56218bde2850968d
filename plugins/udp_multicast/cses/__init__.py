"""Members that other CSEs host: the multicast procedures of the standard, on both sides (TS-0001 clause 10.2.7.13)."""
