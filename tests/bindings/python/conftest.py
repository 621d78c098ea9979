# SPDX-License-Identifier: MIT
"""Models for the tests of the Python package; meson.build sets the
environment: small random ones (PHIAL_TINY, PHIAL_OTHER), one whose answers can
go on for hours (PHIAL_ENDLESS), and the demo model (PHIAL_DEMO)."""
import os

import pytest

import phial


@pytest.fixture(scope="session")
def tiny():
    with phial.Model(os.environ["PHIAL_TINY"], threads=1) as model:
        yield model


@pytest.fixture(scope="session")
def endless():
    with phial.Model(os.environ["PHIAL_ENDLESS"], threads=1) as model:
        yield model


@pytest.fixture(scope="session")
def demo():
    with phial.Model(os.environ["PHIAL_DEMO"], threads=1) as model:
        yield model


@pytest.fixture
def session(tiny):
    with tiny.session() as made:
        yield made
