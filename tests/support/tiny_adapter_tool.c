/* SPDX-License-Identifier: MIT
 * tiny-adapter PATH FAMILY RANK SEED [peft]: writes an adapter for a tiny
 * model, for scripts; with peft into a folder, which must exist. */
#include "tiny_adapter.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    tiny_family family;
    tiny_adapter a;
    gguf_writer *w;

    if (argc < 5 || (family = tiny_family_by_name(argv[2])) == TINY_FAMILIES) {
        fprintf(stderr, "usage: tiny-adapter PATH "
                        "phi-4|phi-4-mini|phi-3.5|phi-3-4k RANK SEED [peft]\n");
        return EXIT_FAILURE;
    }
    a = tiny_adapter_of(family, (uint32_t)strtoul(argv[3], 0, 10),
                        strtoull(argv[4], 0, 10));
    if (argc > 5) {
        tiny_adapter_save(&a, argv[1]);
        return EXIT_SUCCESS;
    }
    w = tiny_adapter_build(&a);
    gguf_write(w, argv[1]);
    gguf_writer_free(w);
    return EXIT_SUCCESS;
}
