"""Multicast to other CSEs that host members of a group (TS-0001 clause 10.2.7.13): the side of the group host."""
