"""Shared by the tests of controls."""

import pytest
from mmengine.config import Config


@pytest.fixture
def demo():
    return Config.fromfile('configs/demo/cen_synthetic.py')
