"""Sub-groups (TS-0001 clause 10.2.7.6): many members on one other CSE get a group there, and one request for all.

To the rest of the server this is a network: `network` offers and delivers, `builder` makes groups at other CSEs and
keeps them up to date, `records` remembers them.
"""
