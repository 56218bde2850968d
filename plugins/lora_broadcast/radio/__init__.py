"""A LoRaWAN network in virtual time: devices, gateways, the air between them and the network server that runs it all.

`simulation.Simulation` puts it together and uses no sockets and no clock; `door` offers it over TCP, paced.
"""
