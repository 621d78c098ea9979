#!/bin/sh
# SPDX-License-Identifier: MIT
# The unit tests on 64-bit ARM, emulated by qemu: cross-compiled, and run on a
# processor with every extension, on one with the dot product only, and on one
# with the base instruction set, so that each NEON product is tested. Needs
# Debian or a relative of it; missing tools are installed as root or with sudo.
# The ARM libraries go to the build folder, not to the system.
# usage: sh tests/arm64.sh [TEST OF tests/unit]...
set -eu
cd "$(dirname "$0")/.."

build=build-arm64
sysroot=$PWD/$build.sysroot
packages="libjansson-dev libjansson4 check libsubunit-dev libsubunit0"
tests=${*:-os cpu kernels pool}

has() {
    command -v "$1" >/dev/null 2>&1
}

install_tools() {
    if has aarch64-linux-gnu-gcc && has qemu-aarch64-static; then
        return
    fi
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q
    $sudo apt-get install -y -q --no-install-recommends \
        gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static
}

# apt for another architecture with a state of its own.
apt_arm64() {
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o APT::Sandbox::User= -o Dir::State::status="$sysroot/apt/status" \
        -o Dir::State::lists="$sysroot/apt/lists" \
        -o Dir::Cache="$sysroot/apt" "$@"
}

install_libraries() {
    [ ! -f "$sysroot/complete" ] || return 0
    rm -rf "$sysroot"
    mkdir -p "$sysroot/apt/lists/partial" "$sysroot/apt/archives/partial"
    : >"$sysroot/apt/status"
    apt_arm64 update
    # The list is meant to be split into words.
    # shellcheck disable=SC2086
    (cd "$sysroot/apt" && apt_arm64 download $packages)
    for package in "$sysroot"/apt/*.deb; do
        dpkg -x "$package" "$sysroot"
    done
    rm -r "$sysroot/apt"
    cat >"$sysroot/folders.ini" <<END
[properties]
sys_root = '$sysroot'
pkg_config_libdir = '$sysroot/usr/lib/aarch64-linux-gnu/pkgconfig'
END
    touch "$sysroot/complete"
}

run() { # test...
    for test in "$@"; do
        nice qemu-aarch64-static $build/tests/unit/test-"$test"
    done
}

install_tools
install_libraries
if [ ! -f $build/build.ninja ]; then
    meson setup $build --cross-file tests/arm64.ini \
        --cross-file "$sysroot/folders.ini" -Dwerror=true -Dprograms=false
fi

programs=
for test in $tests; do
    programs="$programs tests/unit/test-$test"
done
# shellcheck disable=SC2086
ninja -C $build $programs

export PHIAL_TEST_ISA=neon CK_TIMEOUT_MULTIPLIER=20
echo "== a processor with all extensions"
# shellcheck disable=SC2086
QEMU_CPU=max run $tests
for cpu in cortex-a76 cortex-a53; do
    echo "== $cpu"
    export QEMU_CPU=$cpu
    run cpu
    # What differs between extensions.
    for case in matmul golden "matmul of all instruction sets"; do
        CK_RUN_CASE=$case run kernels
    done
done
