#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every libFuzzer target of a build folder (configured with
# -Dfuzzers=true, clang and sanitizers) for some seconds each, from its corpus
# in the tree; new inputs go to the build folder. Stops at the first finding.
# usage: tests/fuzz/fuzz_all.sh BUILD_FOLDER SECONDS [TARGET...]
set -eu
build=$1
seconds=$2
shift 2
corpus=$(dirname "$0")/corpus
[ $# -gt 0 ] || set -- $(ls "$corpus")
for target in "$@"; do
    found=$build/corpus-$target
    mkdir -p "$found"
    words=$(dirname "$0")/dictionaries/$target.dict
    [ -e "$words" ] && words=-dict=$words || words=
    echo "-- $target, $seconds s"
    "$build/tests/fuzz/fuzz-$target" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2560 -malloc_limit_mb=512 -print_final_stats=1 $words \
        -artifact_prefix="$build/" "$found" "$corpus/$target" \
        >"$build/fuzz-$target.log" 2>&1 || {
        tail -40 "$build/fuzz-$target.log"
        exit 1
    }
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec)' \
        "$build/fuzz-$target.log"
done
