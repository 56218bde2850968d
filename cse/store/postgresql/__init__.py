"""The engine for PostgreSQL, shared by any number of processes on any number of machines.

Transactions are REPEATABLE READ: a unit sees one moment, and whoever wants to change a row that has been changed since
then fails and is run again, so no update is lost. What this level does not see by itself is excluded row by row:

- A child of a parent that is removed meanwhile, an item of a list whose target is, an alarm or a queue of a resource
  that is: by foreign keys (`parent`, `holds`, `owner`), which PostgreSQL checks whatever the snapshots.
- The same path, identifier or key twice: by unique indexes.
- A name of a policy that is removed meanwhile: see `policies`.
- Something in a lane that belongs to another process: by the table `lane`, see `effects`.
- Claims of a process, and campaigns and documents of a conductor, that others have taken for dead: they are checked
  together with a lock on what would take the place away, see `effects` and `fence`.

What remains are units that only read what the other one writes: one of them comes first, and that is all that is
promised. A cycle would need two units each of which writes what the other one has read, and those are the ones above.

SERIALIZABLE would need none of that, and was measured: creates by three processes with 16 clients each, in 300
containers, one unit per transaction (2 cores, PostgreSQL 16, tables small as in a fresh database). 11.5 % of the
transactions had to be run again, against 0.5 % at REPEATABLE READ; with 16 units per transaction 56 % against 46 %.
Predicate locks are on pages of indexes, and neighbours share them. One process needed 0.85 ms of CPU for a create with
one unit per transaction, and 0.68 ms with 16; each of three needed 0.87 ms and 1.17 ms, because of the repeats. So
batches are small.

Whoever collides lines up (`session.take_turn`): it gets an advisory lock for what both want to change, and begins anew
when it has it. `session.change` refuses others that lock meanwhile. So nobody is overtaken for ever at a container that
all write into, and nobody waits in the middle of a transaction, where locks could form a circle.
"""
