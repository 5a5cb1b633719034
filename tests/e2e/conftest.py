"""One running house for each scenario."""

from collections.abc import Iterator

import pytest

from tests.e2e.rig import Rig, running


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Plants, centre and gateways, LIVE."""
    with running() as house:
        yield house
