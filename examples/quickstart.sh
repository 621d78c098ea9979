#!/bin/sh
# SPDX-License-Identifier: MIT
# From a fresh checkout to an answer: installs what is missing, builds, and has
# the demo model speak. usage: sh examples/quickstart.sh [PROMPT]
set -eu
cd "$(dirname "$0")/.."
. examples/packages.sh

build=build-quickstart
model=examples/demo/phial-demo.gguf
prompt=${1:-"Tell me a short story about a fox."}

packages_require build
if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build" --buildtype=release -Dtests=false
fi
ninja -C "$build" examples/cli/phial

echo
echo "The demo model is a toy that shows that everything works. To talk with it:"
echo "$PWD/$build/examples/cli/phial chat $PWD/$model"
echo
echo "> $prompt"
"$build/examples/cli/phial" run "$model" --max-tokens 200 --stats "$prompt"
