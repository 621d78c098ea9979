/* SPDX-License-Identifier: MIT
 * settings.h - everything a command line can say. Every subcommand fills the
 * part that its option table names; the rest stays at its default. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "cli.h"

/* What a repeated option collects. */
typedef struct text_list {
    const char **items;
    size_t n;
} text_list;

typedef struct bias_list {
    phial_token *tokens;
    float *values;
    size_t n;
} bias_list;

enum {
    ADAPTERS_MAX = 16, /* of a session, and of a merge */
    ADAPTER_SCALE_MAX = 1000
};

typedef struct adapter_list {
    char **paths;
    float *scales;
    size_t n;
} adapter_list;

/* What an option lists, separated by commas. */
enum { NUMBER_LIST_MAX = 16 };

typedef struct number_list {
    uint64_t items[NUMBER_LIST_MAX];
    size_t n;
} number_list;

#define SEED_NOT_GIVEN UINT64_MAX

struct settings {
    const command *cmd;
    const char *model;
    const char *text; /* the second operand; NULL if it is not there */

    /* the model */
    uint64_t threads;
    int32_t isa;           /* PHIAL_ISA_* */
    int32_t log_level;     /* PHIAL_LOG_* */
    int32_t weight_format; /* PHIAL_WEIGHTS_* */
    bool verify;

    /* the session */
    uint64_t context;
    int32_t cache; /* PHIAL_CACHE_* */
    int32_t rope;  /* PHIAL_ROPE_* */

    adapter_list adapters;

    /* the choice of tokens */
    double temperature, top_p, min_p;
    double repeat_penalty, presence_penalty, frequency_penalty;
    uint64_t top_k, seed, max_tokens;
    text_list stop;
    bias_list bias;
    bool ignore_eos;

    /* the prompt */
    const char *system_text, *messages_file, *tools_file;
    bool raw, special, bos;

    /* chat */
    const char *session_file;

    /* tokenize */
    const char *decode_ids;
    bool count;

    /* synth */
    int32_t shape, type; /* positions in SYNTH_SHAPES and SYNTH_TYPES */
    uint64_t n_layers;
    bool untied, full_rotary, force;

    /* quantize */
    int32_t weights;   /* PHIAL_WEIGHTS_* */
    text_list tensors; /* overrides */
    const char *imatrix_file;

    /* imatrix */
    uint64_t chunks;

    /* merge */
    int32_t merged_weights; /* the same; -1: not given */

    /* bench */
    number_list prompts, depths, thread_counts, isas, caches, batches;
    uint64_t n_decode, repeat;
    const char *against, *text_file;

    /* batch */
    const char *output_file;
    uint64_t parallel, cache_limit; /* MiB */
    bool resume, in_order, times, quiet;

    /* pull */
    const char *revision, *endpoint;
    uint64_t retries, stall; /* seconds */

    /* score */
    int32_t windows;  /* WINDOWS_* */
    int32_t bos_mode; /* BOS_* */
    uint64_t stride;
    const char *reference, *lines_file;
    bool token_lines;

    /* embed */
    int32_t pool; /* PHIAL_POOL_* - 1 */

    /* the output */
    bool json, stats;
};

#endif /* SETTINGS_H */
