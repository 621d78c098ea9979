#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tests of the Rust crates. Arguments: a mode and the build directory.

  linked      with the library of this build, and all documentation
  static      with its static library
  pkg-config  found as an installed library is
  vendored    compiled from source by the build script: the same bits
  lint        rustfmt and clippy
"""
import os
import re
import shutil
import subprocess
import sys

from rust_facts import ROOT, SKIP, need

CRATES = os.path.join(ROOT, "bindings/rust")
OLDEST = (1, 63)
BITS = ["--test", "same_bits", "--", "--nocapture"]


class Cargo:
    def __init__(self, mode, build):
        self.library = os.path.join(build, "lib")
        self.env = dict(
            os.environ,
            CARGO_TARGET_DIR=os.path.join(build, "tests/bindings/rust/target", mode),
            # Or rustdoc ignores which error a block must fail with.
            RUSTC_BOOTSTRAP="1",
            RUSTDOCFLAGS="-D warnings")
        for name in ("PHIAL_LIB_DIR", "PHIAL_STATIC"):
            self.env.pop(name, None)
        if mode in ("linked", "static", "lint"):
            self.env["PHIAL_LIB_DIR"] = self.library
        if mode == "vendored" and shutil.which("ccache"):
            self.env.setdefault("CC", "ccache cc")
        if mode == "static":
            self.env["PHIAL_STATIC"] = "1"
        elif mode != "vendored":
            self.env["LD_LIBRARY_PATH"] = self.library
        if mode == "pkg-config":
            self.env["PKG_CONFIG_PATH"] = os.path.join(build,
                                                       "meson-uninstalled")

    def run(self, *arguments, **options):
        return subprocess.run(["cargo", *arguments], cwd=CRATES, env=self.env,
                              **options)

    def must(self, *arguments):
        print("$ cargo", *arguments, flush=True)
        self.run(*arguments, check=True)

    def bits(self, *arguments):
        print("$ cargo test", *arguments, flush=True)
        out = self.run("test", *arguments, *BITS, check=True,
                       stdout=subprocess.PIPE, text=True).stdout
        return re.findall("^.*bits: (.*)$", out, re.M)


def skip_without_tools(cargo):
    need("cargo", "rustc")
    # rustup without a toolchain says nothing here.
    version = subprocess.run(["rustc", "--version"], capture_output=True,
                             text=True, check=False).stdout or "rustc 0.0"
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST:
        print(f"{version.strip()} is too old: skipped")
        sys.exit(SKIP)
    fetched = cargo.run("fetch", "--locked", stderr=subprocess.PIPE, text=True)
    if fetched.returncode:
        print(fetched.stderr, "no registry of crates here: skipped", sep="\n")
        sys.exit(SKIP)


def lint(cargo):
    for tool in ("fmt", "clippy"):
        if cargo.run(tool, "--version", capture_output=True).returncode:
            print(f"there is no cargo {tool}: skipped")
            sys.exit(SKIP)
    cargo.must("fmt", "--check")
    cargo.must("clippy", "--offline", "--all-targets", "--", "-D", "warnings")
    cargo.must("doc", "--offline", "--no-deps")


def same_bits(cargo, build, *options):
    """As a library that meson built, which the tests of mode linked know."""
    bits = cargo.bits("--offline", *options)
    expected = Cargo("linked", build).bits("--offline")
    if not bits or bits != expected:
        sys.exit(f"bits differ: {bits} here, {expected} of meson's build")


def main(mode, build):
    cargo = Cargo(mode, build)
    skip_without_tools(cargo)
    if mode == "linked":
        cargo.must("test", "--offline")
    elif mode == "lint":
        lint(cargo)
    elif mode == "vendored":
        cargo.must("test", "--offline", "--features", "vendored", "--tests")
        same_bits(cargo, build, "--features", "vendored")
    else:
        same_bits(cargo, build)


if __name__ == "__main__":
    main(*sys.argv[1:])
