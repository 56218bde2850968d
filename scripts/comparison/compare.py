"""Compare this server with another CSE by the conformance suite; write docs/conformance.md if all is explained."""

import argparse
import socket
import sys
import tempfile
from pathlib import Path

from page import Comparison, complaints, differences, page
from peer import install, running
from runs import ROOT, Outcomes, outcomes, purposes


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/conformance", description=__doc__)
    parser.add_argument("--package", help="the other CSE as name==version, instead of that in differences.toml")
    parser.add_argument("--environment", type=Path, help="where it is installed and stays, instead of a passing folder")
    arguments = parser.parse_args()
    peer, reasons = differences()
    peer["package"] = arguments.package or peer["package"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        theirs = outcomes_of_peer(peer, folder, arguments.environment or folder / "environment")
        comparison = Comparison(purposes(), outcomes(folder), theirs)
    if found := list(complaints(comparison, reasons)):
        print(*found, sep="\n")
        return 1
    (ROOT / "docs" / "conformance.md").write_text(page(comparison, peer, reasons), encoding="utf-8")
    return 0


def outcomes_of_peer(peer: dict[str, str], folder: Path, environment: Path) -> Outcomes:
    program = install(peer["package"], environment) / peer["program"]
    with running(program, folder / "peer", free_port()) as url:
        return outcomes(folder, "--cse", url)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


sys.exit(main())
