/* SPDX-License-Identifier: MIT
 * Blocks of the type whose number is the argument from standard input, as
 * floats to standard output; for against_gguf.py. */
#include "base/dtype.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 64 };

int main(int argc, char **argv)
{
    static uint8_t blocks[BLOCKS * 256];
    static float floats[BLOCKS * 256];
    uint32_t type = argc == 2 ? (uint32_t)atoi(argv[1]) : 0;
    const ph_dtype_info *info = ph_dtype_get(type);
    size_t n;

    if (argc != 2 || !info || !info->block_elems) {
        fprintf(stderr, "usage: dequantize_tool TYPE < blocks > floats\n");
        return 2;
    }
    while ((n = fread(blocks, info->block_bytes, BLOCKS, stdin)) > 0) {
        size_t elems = n * info->block_elems;

        ph_dequantize((ph_dtype)type, blocks, floats, elems);
        if (fwrite(floats, sizeof *floats, elems, stdout) != elems)
            return 1;
    }
    return 0;
}
