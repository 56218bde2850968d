"""Where a network server listens, as people write it."""

import ipaddress


def parse_endpoint(text: str) -> tuple[str, int]:
    """IP address and port of `127.0.0.1:1680` or `[::1]:1680`; ValueError when it is neither."""
    host, _, port = text.rpartition(":")
    number = int(port)
    if not 0 <= number <= 65535:
        raise ValueError(f"{port} is no port")
    return str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))), number
