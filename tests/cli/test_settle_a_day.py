"""The README's day of settlement, as it stands there: every block is run by a shell, one after the other."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.service import free_port

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 300


def blocks() -> list[str]:
    """The commands of the section, in order."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [section] = re.findall(r"^## Settle a day\n(.*?)^## ", readme, re.MULTILINE | re.DOTALL)
    return re.findall(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def test_the_readmes_day_is_settled_paid_by_a_bank_and_closed(tmp_path: Path) -> None:
    told = "\n".join(blocks()).replace("8011", str(free_port())).replace("8090", str(free_port()))
    again = "\n".join(line for line in told.splitlines() if re.match(r"citypoints settle (?!account|report)", line))
    story = told.replace("kill %1 %2", f"echo again\n{again}\n")
    # Whatever fails, nothing that the story has started stays.
    story = f"trap 'kill $(jobs -p)' EXIT\n{story}"
    binaries = Path(sys.executable).parent
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(binaries)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", story],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=LIMIT_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, output
    first, _, second = output.partition("\nagain\n")
    for line in (
        "Batch CITY-20261123-1 is draft: 2026-11-23 to 2026-11-23, collects 120.00 and pays out 29.40 CNY.",
        "CAFE\tredemption_commission\t3000\t-0.60",
        "1 confirmed",
        "Batch CITY-20261123-1 is closed",
        "no difference",
    ):
        assert line in first, output
    assert set(re.findall(r"Batch CITY-20261123-1 is (\w+)", second)) == {"closed"}
    assert (tmp_path / "trial/cafe.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "trial/roll-forward.xlsx").stat().st_size > 1_000
