"""What a stranger gets: our wheel, installed into an environment of its own, with a network that is not ours."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIGEONS = ROOT / "tests" / "packages" / "pigeon_network"

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def run(folder: Path, *command: str | Path) -> str:
    """The output of a command that must succeed."""
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds `bin` of the new environment, the wheel in `dist`, and a copy of the stranger's package."""
    folder = tmp_path_factory.mktemp("stranger")
    run(ROOT, sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist")
    shutil.copytree(PIGEONS, folder / "pigeon_network")
    venv.create(folder, with_pip=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    run(folder, "bin/pip", "install", "--quiet", wheel, "./pigeon_network[testing]")
    return folder


def test_the_installed_program_lists_the_network_of_a_stranger(folder: Path) -> None:
    listed = run(folder, "bin/cse", "plugins")
    for name in ("pigeon", "loopback", "http-unicast"):
        assert name in listed


def test_the_wheel_has_the_tables_of_specializations(folder: Path) -> None:
    assert "batteryLevel" in run(folder, "bin/cse", "types", "m2m:bat")


def test_the_stranger_passes_the_contract_tests(folder: Path) -> None:
    tests = folder / "pigeon_network" / "tests"
    output = run(tests, folder / "bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    assert "passed" in output
    assert "skipped" not in output


def test_the_wheel_is_complete_and_alone(folder: Path) -> None:
    origin = "import cse, plugins, resources; print(cse.__file__, plugins.__file__, resources.__file__)"
    files = run(folder, "bin/python", "-c", origin).split()
    assert all(Path(file).is_relative_to(folder / "lib") for file in files)
