/* SPDX-License-Identifier: MIT
 * phial synth: a model of random weights, to measure with. */
#include "options.h"
#include "output.h"
#include "synth_write.h"
#include "units.h"

#include <stdio.h>
#include <string.h>

/* The word of a choice. */
static void choice_word(const char *words, int32_t index, char *out, size_t cap)
{
    for (; index > 0; index--)
        words += strcspn(words, "|") + 1;
    snprintf(out, cap, "%.*s", (int)strcspn(words, "|"), words);
}

static int synth(const settings *s)
{
    synth_shape shape = synth_shape_of(s);
    synth_totals t;
    char size[32], count[32], type[16];
    int code = synth_write(s, &shape, &t);

    if (code != CLI_OK)
        return code;
    choice_word(SYNTH_TYPES, s->type, type, sizeof type);
    if (s->json)
        return output_json(json_pack(
            "{s:o, s:s, s:s, s:I, s:I, s:I, s:f}", "file",
            json_text(s->model, strlen(s->model)), "shape", shape.name, "type",
            type, "tensors", (json_int_t)t.n_tensors, "parameters",
            (json_int_t)t.n_parameters, "bytes", (json_int_t)t.bytes, "seconds",
            t.seconds));
    units_bytes(size, sizeof size, t.bytes);
    units_count(count, sizeof count, t.n_parameters);
    output_text(s->model, strlen(s->model));
    printf(": shape of %s, %s, %s parameters, %s, written in %.1f s\n",
           shape.name, type, count, size, t.seconds);
    return CLI_OK;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"shape", OPTION_CHOICE, FIELD(shape), SYNTH_SHAPES,
     "whose layers, sizes and vocabulary (default phi-4-mini)", 0, 0, 0},
    {"type", OPTION_CHOICE, FIELD(type), SYNTH_TYPES,
     "the mix of tensor formats that files of this name have (default q4_k_m)",
     0, 0, 0},
    {"layers", OPTION_COUNT, FIELD(n_layers), "N",
     "this many layers; 0: as many as the shape has (default 0)", 0, 1024, 0},
    {"untied", OPTION_FLAG, FIELD(untied), NULL,
     "an output matrix of its own where the shape has none", 0, 0, 0},
    {"full-rotary", OPTION_FLAG, FIELD(full_rotary), NULL,
     "rotate all elements of a head where the shape rotates some", 0, 0, 0},
    {"seed", OPTION_COUNT, FIELD(seed), "N", "same seed, same file (default 0)",
     0, 9.2e18, 0},
    {"force", OPTION_FLAG, FIELD(force), NULL, "overwrite the file", 0, 0, 'f'},
    {"json", OPTION_FLAG, FIELD(json), NULL, "print one JSON object", 0, 0, 0},
};
static const option_group synth_options = OPTION_GROUP("Model file", table);
static const option_group *const groups[] = {&synth_options, NULL};

const command command_synth = {
    "synth",
    "OUT.gguf",
    1,
    1,
    "write a model of random weights, to measure with",
    "Writes a GGUF file with random weights in the shape and the formats of a "
    "real model, and a made-up vocabulary of the real size. Its speed and "
    "memory are those of the real model; what it says means nothing.",
    groups,
    synth};
