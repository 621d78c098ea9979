#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial.h compiles alone and twice, in every standard of C and C++ and without
padding on four architectures. Arguments: the include directory, then the C and
the C++ compiler to use; clang, where installed, stands in for other targets."""
import os
import re
import shutil
import subprocess
import sys

C_STANDARDS = ["c89", "c99", "c11", "c17"]
CXX_STANDARDS = ["c++98", "c++11", "c++14", "c++17", "c++20"]
TARGETS = ["x86_64-linux-gnu", "i686-linux-gnu", "armv7-linux-gnueabihf",
           "aarch64-linux-gnu"]
STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
SOURCE = "#include <phial/phial.h>\n#include <phial/phial.h>\n"


def source_with_layouts(include):
    """Every struct used: a compiler that never needs the layout of a struct
    never warns of its padding."""
    with open(os.path.join(include, "phial/phial.h"), encoding="utf-8") as f:
        structs = re.findall(r"^\} (phial_\w+);", f.read(), re.M)
    return SOURCE + "".join(f"extern char size_of_{name}[sizeof({name})];\n"
                            for name in structs)


def compiles(command, what, source=SOURCE):
    result = subprocess.run(command, input=source, capture_output=True,
                            text=True)
    print("ok  " if result.returncode == 0 else "FAIL", what)
    if result.returncode:
        print(result.stderr)
    return result.returncode == 0


def clang():
    for version in ["", "-19", "-16", "-14"]:
        if shutil.which("clang" + version):
            return "clang" + version
    return None


def main(include, cc, cxx):
    flags = STRICT + ["-I", include]
    good = True
    layouts = source_with_layouts(include)
    for std in C_STANDARDS:
        good &= compiles([cc, "-x", "c", f"-std={std}", "-Wc++-compat",
                          *flags, "-"], std)
    for std in CXX_STANDARDS:
        good &= compiles([cxx, "-x", "c++", f"-std={std}", *flags, "-"], std)
    if clang():
        for target in TARGETS:
            # The compiler's own stdint.h: no system headers of the target.
            good &= compiles(
                [clang(), "-x", "c", "-std=c99", "--target=" + target,
                 "-ffreestanding", "-nostdlibinc", "-Wpadded", *flags, "-"],
                f"no padding on {target}", layouts)
    else:
        print("skip padding on other targets: no clang")
        good &= compiles([cc, "-x", "c", "-std=c99", "-Wpadded", *flags, "-"],
                         "no padding here", layouts)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
