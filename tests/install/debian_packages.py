#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the packages of examples/debian/build.sh hold, and that they work
together once unpacked. Argument: the folder that the script was given."""
import glob
import os
import re
import sys
import tempfile

import install_support
from install_support import ANSWER, CC, DEMO, QUESTION, libraries, run

LIB = r"\./usr/lib/[\w-]+/"
WANTED = {
    "libphial0": {LIB + r"libphial\.so\.0",
                  LIB + r"libphial\.so\.\d+\.\d+\.\d+"},
    "libphial-dev": {
        r"\./usr/include/phial/phial\.h", LIB + r"libphial\.(a|so)",
        LIB + r"pkgconfig/phial\.pc", LIB + r"cmake/phial/phial-config\.cmake",
        LIB + r"cmake/phial/phial-config-version\.cmake",
        r"\./usr/share/man/man3/libphial\.3\.gz"},
    "phial": {
        r"\./usr/bin/phial", r"\./usr/share/man/man1/phial\.1\.gz",
        r"\./usr/share/bash-completion/completions/phial",
        r"\./usr/share/fish/vendor_completions\.d/phial\.fish",
        r"\./usr/share/zsh/vendor-completions/_phial"},
}
# What debhelper adds to every package.
COMMON = r"\./usr/share/(doc|lintian)/"


def package(folder, name):
    path, = glob.glob(os.path.join(folder, name + "_*.deb"))
    return path


def files(path):
    """Names of files and links in a package."""
    rows = run("dpkg-deb", "-c", path).splitlines()
    return [row.split(None, 5)[5].split(" -> ")[0] for row in rows
            if not row.startswith("d")]


def check_files(folder):
    for name, patterns in WANTED.items():
        found = [f for f in files(package(folder, name))
                 if not re.match(COMMON, f)]
        strange = [f for f in found
                   if not any(re.fullmatch(p, f) for p in patterns)]
        missing = [p for p in patterns
                   if not any(re.fullmatch(p, f) for f in found)]
        if strange or missing:
            sys.exit(f"{name}: holds {strange}, lacks {missing}")


def check_fields(folder):
    def field(name, key):
        return run("dpkg-deb", "-f", package(folder, name), key).strip()

    version = field("libphial0", "Version")
    if f"libphial0 (= {version})" not in field("libphial-dev", "Depends"):
        sys.exit("libphial-dev does not depend on its libphial0")
    if not re.search(r"libphial0 \(>= 0\.1\.0\)", field("phial", "Depends")):
        sys.exit(f"phial depends on {field('phial', 'Depends')}")


def check_use(folder):
    """The program of the man page, with the header and the library."""
    with tempfile.TemporaryDirectory() as root:
        for name in WANTED:
            run("dpkg-deb", "-x", package(folder, name), root)
        lib = os.path.dirname(glob.glob(root + "/usr/lib/*/libphial.so.0")[0])
        env = dict(os.environ, LD_LIBRARY_PATH=lib,
                   PKG_CONFIG_SYSROOT_DIR=root,
                   PKG_CONFIG_PATH=os.path.join(lib, "pkgconfig"),
                   PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1",
                   PKG_CONFIG_ALLOW_SYSTEM_LIBS="1")
        page = os.path.join(root, "usr/share/man/man3/libphial.3")
        run("gunzip", page + ".gz")
        source = os.path.join(root, "hello.c")
        with open(source, "w", encoding="utf-8") as f:
            f.write(install_support.example(page))
        flags = run("pkg-config", "--cflags", "--libs", "phial", env=env)
        hello = os.path.join(root, "hello")
        run(*CC, source, "-o", hello, *flags.split())
        if "libphial.so.0" not in libraries(hello):
            sys.exit("the program does not need libphial.so.0")
        for command in ([hello, DEMO, QUESTION],
                        [root + "/usr/bin/phial", "run", DEMO, QUESTION]):
            if run(*command, env=env) != ANSWER:
                sys.exit(f"{command[0]} does not answer")


def main(folder):
    check_files(folder)
    check_fields(folder)
    check_use(folder)
    print("three packages hold what they should, and work")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
