/* SPDX-License-Identifier: MIT
 * tiny-model FILE FAMILY TYPE SEED [FIELD=VALUE]...: writes a tiny model, for
 * scripts. FAMILY is phi-4, phi-4-mini, phi-3.5 or phi-3-4k; TYPE as in GGUF
 * tools; FIELD one of tiny_model's numbers: n_layers=1 tied=0. */
#include "tiny_model.h"

#include <stdio.h>
#include <stdlib.h>

static ph_dtype type_by_name(const char *name)
{
    for (uint32_t id = 0; id <= PH_BF16; id++) {
        const ph_dtype_info *info = ph_dtype_get(id);

        if (info && info->block_elems && strcmp(info->name, name) == 0)
            return (ph_dtype)id;
    }
    fprintf(stderr, "tiny-model: no type %s\n", name);
    exit(EXIT_FAILURE);
}

static void set_field(tiny_model *m, const char *field, uint32_t value)
{
    const struct {
        const char *name;
        uint32_t *number;
    } numbers[] = {
        {"n_layers", &m->n_layers},
        {"n_embd", &m->n_embd},
        {"n_ff", &m->n_ff},
        {"n_heads", &m->n_heads},
        {"n_kv_heads", &m->n_kv_heads},
        {"head_dim", &m->head_dim},
        {"n_rot", &m->n_rot},
        {"n_context", &m->n_context},
        {"n_context_original", &m->n_context_original},
        {"window", &m->window},
        {"n_extra", &m->n_extra},
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strcmp(field, numbers[i].name) == 0) {
            *numbers[i].number = value;
            return;
        }
    }
    if (strcmp(field, "tied") == 0) {
        m->tied = value != 0;
    } else if (strcmp(field, "longrope") == 0) {
        m->longrope = value != 0;
    } else if (strcmp(field, "rope_theta") == 0) {
        m->rope_theta = (float)value;
    } else {
        fprintf(stderr, "tiny-model: no field %s\n", field);
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    tiny_family family;
    tiny_model m;
    gguf_writer *w;

    if (argc < 5 || (family = tiny_family_by_name(argv[2])) == TINY_FAMILIES) {
        fprintf(stderr, "usage: tiny-model FILE "
                        "phi-4|phi-4-mini|phi-3.5|phi-3-4k TYPE SEED "
                        "[FIELD=VALUE]...\n");
        return EXIT_FAILURE;
    }
    m = tiny_model_of(family, type_by_name(argv[3]), strtoull(argv[4], 0, 10));
    for (int i = 5; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (!value) {
            fprintf(stderr, "tiny-model: %s: no value\n", argv[i]);
            return EXIT_FAILURE;
        }
        *value++ = 0;
        set_field(&m, argv[i], (uint32_t)strtoul(value, 0, 10));
    }
    w = tiny_model_build(&m);
    gguf_write(w, argv[1]);
    gguf_writer_free(w);
    return EXIT_SUCCESS;
}
