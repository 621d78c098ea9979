#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every exported function is called by a program in this directory.
Arguments: version script, directory."""
import pathlib
import re
import sys

names = re.findall(r"^\s+(phial_\w+);", pathlib.Path(sys.argv[1]).read_text(),
                   re.M)
text = "".join(p.read_text() for p in pathlib.Path(sys.argv[2]).glob("*.c"))
missing = [n for n in names if not re.search(rf"\b{n}\(", text)]
print("\n".join(f"{n}() is not called" for n in missing) or
      f"{len(names)} functions, all called")
sys.exit(1 if missing or not names else 0)
