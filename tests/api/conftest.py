from collections.abc import Iterator

import pytest
from tests.fakes.door import Door, open_door


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened
