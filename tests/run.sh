#!/bin/sh
# SPDX-License-Identifier: MIT
# The quick test suite: installs what is missing, builds, and runs every test
# that needs minutes, not hours. The references that some tests compare with
# are Python packages; they go to a virtual environment in the build folder,
# and where no registry can be reached those tests are skipped.
# usage: sh tests/run.sh [MESON TEST OPTION]...
set -eu
cd "$(dirname "$0")/.."
. examples/packages.sh

build=build-test
venv=$PWD/$build-venv

packages_require test
if [ ! -f "$venv/complete" ]; then
    python3 -m venv --system-site-packages "$venv"
    if "$venv/bin/python" -m pip install -q --disable-pip-version-check \
        -r tests/requirements.txt; then
        touch "$venv/complete"
    else
        echo "The references could not be installed: their tests are skipped."
    fi
fi
PATH=$venv/bin:$PATH
if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build"
fi
ninja -C "$build"
meson test -C "$build" --print-errorlogs "$@"
