/* SPDX-License-Identifier: MIT
 * bench.h - what phial bench measures, and its results. An engine is a model
 * with an instruction set and a number of threads; a stage is one of its
 * sessions, with a cache format and a depth; a task is one figure of a stage.
 * All are measured in turn, round after round, so that whatever else the
 * machine does meets all alike. */
#ifndef BENCH_H
#define BENCH_H

#include "settings.h"

enum { BENCH_MAX_ROUNDS = 100, BENCH_FIRST_PROMPT = 32 };

/* One figure, once per round, in the order of rounds. */
typedef struct bench_series {
    double values[BENCH_MAX_ROUNDS];
    size_t n;
} bench_series;

void series_add(bench_series *series, double value);
double series_median(const bench_series *series); /* 0 if it is empty */
double series_low(const bench_series *series);
double series_high(const bench_series *series);

/* a / b, round by round. */
bench_series series_ratio(const bench_series *a, const bench_series *b);

/* The model's share of the work, from phial_model_describe(). */
typedef struct bench_shape {
    uint64_t n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, n_vocab;
    uint64_t window; /* keys that a token sees */
    uint64_t n_context, n_original;
    uint64_t weight_bytes, n_parameters;
    bool longrope, tied;
} bench_shape;

phial_status bench_read_shape(const phial_model *model, bench_shape *out);

/* Multiply-adds per token of a prompt of n tokens after depth others: of the
 * matrices, the output's for the last token only, and of attention. */
double bench_macs(const bench_shape *shape, uint64_t depth, uint64_t n);

/* Bytes read per token generated: the matrices once, and the cache. */
double bench_bytes(const bench_shape *shape, double cache_bytes_per_token,
                   uint64_t depth, uint64_t n);

typedef enum bench_kind {
    BENCH_PREFILL,  /* a prompt, up to the logits behind it */
    BENCH_DECODE,   /* given tokens, one at a time */
    BENCH_GENERATE, /* the likeliest tokens, sampled and spelled */
    BENCH_BATCH,    /* generate in several sessions at once */
    BENCH_PROSE,    /* words of a file, forced, that go on from its others */
    BENCH_EDIT,     /* words that were just read, a few changed */
    BENCH_KINDS
} bench_kind;

typedef struct bench_task {
    bench_kind kind;
    uint64_t n_tokens;
    double work;              /* per token: multiply-adds (prefill) or bytes */
    bench_series speed;       /* tokens a second */
    bench_series peer[2];     /* llama.cpp's, without and with its option */
    bench_series plain;       /* without guesses */
    bench_series wait;        /* for a token, in seconds, where one of the
                                 sessions reads a prompt */
    phial_session **sessions; /* its own */
    size_t n_sessions;
    int id;          /* of all stages and tasks with sessions */
    bool peer_open;  /* the peer has contexts of its own for it */
    bool peer_lacks; /* the peer cannot do the like */
} bench_task;

typedef struct bench_words {
    phial_token *tokens;
    size_t n;
} bench_words;

typedef struct bench_stage {
    int id; /* of all stages and tasks with sessions */
    int32_t cache;
    uint64_t depth;
    uint32_t n_context;
    phial_session *session; /* NULL while it is not open */
    bool peer_open;
    bench_task *tasks;
    size_t n_tasks;
} bench_stage;

typedef struct bench_engine {
    int32_t isa;
    uint32_t n_threads; /* 0: one per processor, until bench_open() */
    phial_model *model; /* NULL while it is not open */
    bench_stage *stages;
    size_t n_stages;
    bench_series load, first_token; /* seconds, in a fresh process */
    bench_series bandwidth;         /* bytes a second */
    bench_series int8;              /* multiply-adds a second */
    const char *instruction;        /* behind int8 */
    uint64_t peak_bytes;            /* resident, of the fresh process */
    bench_series peer_load, peer_first_token; /* llama.cpp's */
    uint64_t peer_peak_bytes;
} bench_engine;

typedef struct bench {
    const settings *s;
    bench_shape shape;
    bench_words words;       /* of --text */
    struct bench_peer *peer; /* NULL without --against */
    bench_engine *engines;
    size_t n_engines;
    int n_ids;
    bool together;       /* memory holds all engines at once */
    size_t done, n_left; /* tasks, for the progress */
} bench;

/* The engines; then, once bench_open() has found the shape, their stages and
 * tasks. Exit code. */
void bench_plan_engines(const settings *s, bench *out);
int bench_plan_stages(bench *b);
void bench_free(bench *b);

/* Frees its sessions; the peer's count as closed, too. */
void bench_close_stage(bench_stage *stage);

/* Options for an engine and a stage. */
phial_model_options bench_model_options(const bench_engine *e);
phial_session_options bench_session_options(const bench *b,
                                            const bench_stage *stage);

/* Loads the model in a fresh process and answers a short prompt with one
 * token; adds to load and first_token and sets the shape and n_threads. No
 * model may be open. Exit code. */
int bench_open(bench *b, bench_engine *e);

/* What a child process used at most. */
struct rusage;
uint64_t bench_resident(const struct rusage *usage);

/* One figure of every task. Exit code. */
int bench_round(bench *b);

int bench_print(const bench *b);
int bench_print_json(const bench *b);

/* The tokens that prompts are made of: spread over the vocabulary. */
void bench_tokens(const bench_shape *shape, uint64_t first, phial_token *out,
                  size_t n);

#endif /* BENCH_H */
