"""Several processes that serve one store: what only one of them does, and how the others have it done.

All processes serve requests, send notifications and wake resources. One of them, the conductor, runs what can be there
only once: networks that listen or remember, and with them fan-outs, sessions of groups, multicast memberships, and the
registration with another CSE. When it dies another one begins there, in the way in which a server begins after a crash.
"""
