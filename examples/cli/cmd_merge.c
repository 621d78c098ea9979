/* SPDX-License-Identifier: MIT
 * phial merge: a model with low-rank adapters added to its weights. */
#include "quantizing.h"

/* Without a type quantised matrices are refused, since whoever does not think
 * of their type does not think of the loss either. */
static int merge(const settings *s)
{
    const bool given = s->merged_weights >= 0;
    const int32_t type = given ? s->merged_weights : PHIAL_WEIGHTS_STORED;

    return quantize_file(s, type, given ? PHIAL_QUANTIZE_REENCODE : 0,
                         "merging the adapters");
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"type", OPTION_CHOICE, FIELD(merged_weights), WEIGHT_TYPES,
     "the mix of tensor formats that files of this name have; without it "
     "each matrix keeps its own, which must be F32, F16 or BF16 where an "
     "adapter changes it; same: it keeps its own and is quantised to it again",
     0, 0, 0},
};
static const option_group merge_options = OPTION_GROUP("Types", table);
static const option_group *const groups[] = {&merge_options, &written_options,
                                             NULL};

const command command_merge = {
    "merge",
    "MODEL ADAPTER[=SCALE]... OUT.gguf",
    3,
    2 + ADAPTERS_MAX,
    "write a model with adapters added to its weights",
    "Adds low-rank adapters, GGUF files or folders that PEFT saved, to the "
    "weights of a model, each SCALE times (default 1), and writes a GGUF file "
    "that needs no adapter. A quantised model loses by being quantised again, "
    "so merge into floats and name the type of the result with --type. See "
    "doc/adapters.md.",
    groups,
    merge};
