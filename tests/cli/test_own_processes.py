"""The processes that commands start are this installation's, wherever one stands."""

import subprocess
from pathlib import Path

import pytest

from api.cli.own_processes import own_process

ANOTHERS = 77


@pytest.mark.parametrize("module", ["api.cli.import_sharer", "api.cli.worker_process"])
def test_a_package_of_the_same_name_in_ones_folder_is_not_run(module: str, tmp_path: Path) -> None:
    another = tmp_path / "api"
    another.mkdir()
    (another / "__init__.py").write_text(f"raise SystemExit({ANOTHERS})")
    # Without the arguments that they are started with, both end at once.
    ended = subprocess.run(own_process(module), cwd=tmp_path, check=False, capture_output=True, timeout=60)
    assert ended.returncode not in {0, ANOTHERS}, ended.stderr
