"""`python -m conformance.crash`: the exit code is 0 if nothing was lost, 1 if something was, 2 if it can't run."""

import argparse
import shlex
import sys
from pathlib import Path

from conformance.client import Target
from conformance.crash.driver import Driver, Plan
from conformance.crash.server import Commands, Control, NotBack, Program, Server


def main() -> int:
    options = _parser().parse_args()
    target = Target(options.cse, "", options.cse_name, "", options.originator)
    driver = Driver(Server(target, _control(options)), Plan(options.seed, options.rounds), options.receiver_host)
    try:
        driver.run()
    except (NotBack, OSError) as error:
        _say(f"{error}")
        return 2
    _say(driver.findings.shown())
    _say(f"seed {options.seed}: {driver.summary()}")
    return 1 if driver.findings.violations else 0


def _control(options: argparse.Namespace) -> Control:
    if options.command:
        return Program(shlex.split(options.command), options.log)
    return Commands(options.start_command, options.kill_command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conformance.crash", description="Kills a CSE under load.")
    parser.add_argument("--cse", required=True, metavar="URL", help="where the CSE is, http://127.0.0.1:8080")
    parser.add_argument("--command", help="what starts the CSE and stays in the foreground; killed with SIGKILL")
    parser.add_argument("--start-command", default="true", help="instead: a shell command after which the CSE starts")
    parser.add_argument("--kill-command", default="true", help="and one that kills it, or something it depends on")
    parser.add_argument("--rounds", type=int, default=50, help="rounds of load with one or two kills each (50)")
    parser.add_argument("--seed", type=int, default=1, help="what load and kills follow from (1)")
    parser.add_argument("--cse-name", default="cse-in", help="the resource name of its CSEBase (cse-in)")
    parser.add_argument("--originator", default="CAdmin", help="an originator that may do everything there (CAdmin)")
    parser.add_argument("--receiver-host", default="127.0.0.1", help="address where the CSE reaches this machine")
    parser.add_argument("--log", type=Path, default=Path("crash.log"), help="where its output goes (crash.log)")
    return parser


def _say(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
