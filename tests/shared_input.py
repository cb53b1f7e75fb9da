"""Real input that lies beside the repository, where it is there at all."""

from pathlib import Path

import pytest


def find_shared(folder: Path, name: str) -> Path:
    """Find a file in a folder of ``../shared``; skips the test without ``../shared``, fails it without the file."""
    if not folder.parent.is_dir():
        pytest.skip(f"there is no ../shared beside the repository, so no {name}")
    path = folder / name
    if not path.is_file():
        pytest.fail(f"../shared is there, but {folder.name}/{name} is missing in it")
    return path
