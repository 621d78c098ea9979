/* SPDX-License-Identifier: MIT
 * The options that several subcommands share. */
#include "options.h"

#define FIELD(name) offsetof(settings, name)

/* Choices are in the order of the enums in phial.h. */
static const option model_table[] = {
    {"threads", OPTION_COUNT, FIELD(threads), "N",
     "threads to compute with; 0: one per processor (default 0)", 0, 4096, 't'},
    {"isa", OPTION_CHOICE, FIELD(isa), "best|portable|avx2|avx512|neon",
     "use at most this instruction set; the results are the same bits "
     "(default best)",
     0, 0, 0},
    {"verify", OPTION_FLAG, FIELD(verify), NULL,
     "refuse a model whose weights hold NaN or infinity", 0, 0, 0},
    {"weights", OPTION_CHOICE, FIELD(weight_format), WEIGHT_TYPES,
     "quantise the weights while they are read, as the file that quantize "
     "--type writes has them (default same)",
     0, 0, 0},
    {"log", OPTION_CHOICE, FIELD(log_level), "off|error|warn|info|debug",
     "what the library reports on standard error (default warn)", 0, 0, 0},
};
const option_group model_options = OPTION_GROUP("Model", model_table);

static const option session_table[] = {
    {"context", OPTION_COUNT, FIELD(context), "N",
     "longest context in tokens; 0: what the model allows (default 0)", 0,
     4294967295.0, 'c'},
    {"cache", OPTION_CHOICE, FIELD(cache), "auto|f32|f16|q8",
     "format of the cached keys and values (default auto)", 0, 0, 0},
    {"rope", OPTION_CHOICE, FIELD(rope), "auto|short|long",
     "rotary factors of LongRoPE models; auto does as the reference "
     "(default auto)",
     0, 0, 0},
};
const option_group session_options = OPTION_GROUP("Session", session_table);

static const option adapter_table[] = {
    {"adapter", OPTION_ADAPTER, FIELD(adapters), "PATH[=SCALE]",
     "add SCALE times a low-rank adapter to the model, a GGUF file or a folder "
     "that PEFT saved; may be repeated, up to 16 times (default scale 1)",
     0, 0, 0},
};
const option_group adapter_options = OPTION_GROUP("Adapters", adapter_table);

static const option sampling_table[] = {
    {"temp", OPTION_REAL, FIELD(temperature), "T",
     "temperature; 0 takes the likeliest token every time (default 0)", 0, 100,
     0},
    {"top-k", OPTION_COUNT, FIELD(top_k), "N",
     "choose among the N likeliest tokens; 0: off (default 0)", 0, 4294967295.0,
     0},
    {"top-p", OPTION_REAL, FIELD(top_p), "P",
     "choose among the likeliest tokens that make up probability P; 0 or 1: "
     "off (default 0)",
     0, 1, 0},
    {"min-p", OPTION_REAL, FIELD(min_p), "P",
     "drop tokens below P times the likeliest one; 0: off (default 0)", 0, 1,
     0},
    {"repeat-penalty", OPTION_REAL, FIELD(repeat_penalty), "X",
     "makes every token seen before less likely; 0 or 1: off (default 0)", 0,
     100, 0},
    {"presence-penalty", OPTION_REAL, FIELD(presence_penalty), "X",
     "subtracted from the logit of every token of this answer (default 0)",
     -100, 100, 0},
    {"frequency-penalty", OPTION_REAL, FIELD(frequency_penalty), "X",
     "the same, once per occurrence (default 0)", -100, 100, 0},
    {"seed", OPTION_COUNT, FIELD(seed), "N",
     "same seed, same text, on any machine; without it a temperature above 0 "
     "gives another text each time",
     0, 9.2e18, 0},
    {"bias", OPTION_BIAS, FIELD(bias), "ID=X",
     "adds X to the logit of a token; may be repeated", -1000, 1000, 0},
    {"stop", OPTION_LIST, FIELD(stop), "TEXT",
     "ends the answer before TEXT; may be repeated", 0, 0, 0},
    {"ignore-eos", OPTION_FLAG, FIELD(ignore_eos), NULL,
     "go on where the model would end its answer", 0, 0, 0},
    {"max-tokens", OPTION_COUNT, FIELD(max_tokens), "N",
     "longest answer; 0: until the context is full (default 0)", 0, 1e15, 'n'},
};
const option_group sampling_options = OPTION_GROUP("Sampling", sampling_table);
