# SPDX-License-Identifier: MIT
"""A short run of fuzz_api.py, which by itself makes a million calls."""
import os

import fuzz_api


def test_random_calls_do_no_harm():
    made, refused = fuzz_api.play(os.environ["PHIAL_TINY"], 20000, seed=11)
    assert made == 20000
    assert made / 20 < refused < made / 2  # good and bad calls alike
