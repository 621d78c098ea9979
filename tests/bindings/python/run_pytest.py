#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs pytest on files for meson; 77, which skips the test, where a module
that they need is not here. Arguments: modules by comma, files..."""
import importlib.util
import sys


def main(modules, *files):
    missing = [m for m in ["pytest", *filter(None, modules.split(","))]
               if importlib.util.find_spec(m) is None]
    if missing:
        print("not installed:", ", ".join(missing))
        return 77
    import pytest
    return int(pytest.main(["-q", "-p", "no:cacheprovider", "--tb=short",
                            "--strict-markers", *files]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
