"""The application with one seeded fault: broken from outside, by what the environment names."""

import os

from litestar import Litestar

from api.app import create_app as create_sound_app
from tests.stateful.faults import FAULTS

FAULT_VARIABLE = "CITYPOINTS_TEST_FAULT"


def create_app() -> Litestar:
    """Make the application after breaking what it stands on."""
    FAULTS[os.environ[FAULT_VARIABLE]]()
    return create_sound_app()
