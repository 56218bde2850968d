"""Group fan-out: members to hosts, hosts to networks, deliveries, answers, and the result that grows from them.

`members` freezes who is meant, `reach` asks the networks, `schedule` says whose turn it is, `devices` runs it all,
`local` does the same for operations on this tree, `aggregate` and `report` compose what others get to see.
"""
