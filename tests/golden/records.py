# SPDX-License-Identifier: MIT
"""Files of reference numbers; README.md describes them."""
import os
import struct

STEP = 3  # every third logit is kept


class Records:
    def __init__(self):
        self.records = []

    def put(self, name, array):
        self.records.append((name, array))

    def write(self, name):
        """Writes the file of that name, beside this one."""
        with open(os.path.join(os.path.dirname(__file__), name), "wb") as f:
            for record, array in self.records:
                code = {"i4": 1, "f4": 2, "f8": 3}[array.dtype.str[1:]]
                f.write(struct.pack("<48sII", record.encode(), code,
                                    array.size))
                f.write(array.astype(array.dtype.newbyteorder("<")).tobytes())
