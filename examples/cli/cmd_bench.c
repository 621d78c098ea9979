/* SPDX-License-Identifier: MIT
 * phial bench: how fast a model runs here, and in how much memory. */
#include "bench_peer.h"
#include "options.h"
#include "progress.h"
#include "terminal.h"

static int open_round(bench *b)
{
    int code = CLI_OK;

    for (size_t i = 0; i < b->n_engines && code == CLI_OK; i++) {
        code = bench_open(b, &b->engines[i]);
        if (code == CLI_OK && b->peer)
            code = bench_peer_first(b->peer, b->s->model, &b->engines[i]);
        if (interrupt_seen())
            return CLI_INTERRUPTED;
        progress_update((double)++b->done / (double)b->n_left);
    }
    return code;
}

static int measure(bench *b)
{
    int code = CLI_OK;

    for (uint64_t i = 0; i < b->s->repeat && code == CLI_OK; i++)
        code = open_round(b);
    if (code == CLI_OK)
        code = bench_plan_stages(b);
    for (uint64_t i = 0; i < b->s->repeat && code == CLI_OK; i++)
        code = bench_round(b);
    return code;
}

static int bench_command(const settings *s)
{
    bench b;
    int code = CLI_OK;

    bench_plan_engines(s, &b);
    interrupt_catch(NULL, true);
    progress_begin("measuring");
    if (s->against)
        code = bench_peer_build(s->against, &b.peer);
    if (code == CLI_OK)
        code = measure(&b);
    progress_clear();
    interrupt_release();
    if (code == CLI_OK)
        code = s->json ? bench_print_json(&b) : bench_print(&b);
    bench_free(&b);
    return code;
}

#define FIELD(name) offsetof(settings, name)

/* Choices are in the order of the enums in phial.h. */
static const option table[] = {
    {"prompt", OPTION_COUNTS, FIELD(prompts), "N,...",
     "tokens of a prompt (default 512)", 1, 1e7, 'p'},
    {"decode", OPTION_COUNT, FIELD(n_decode), "N",
     "tokens to generate (default 32)", 1, 1e7, 'n'},
    {"depth", OPTION_COUNTS, FIELD(depths), "N,...",
     "tokens in the context before (default 0)", 0, 1e7, 'd'},
    {"batch", OPTION_COUNTS, FIELD(batches), "N,...",
     "sessions that generate at once, each at the depth (default: none)", 1,
     256, 'b'},
    {"text", OPTION_TEXT, FIELD(text_file), "FILE",
     "measure what guessing from the text saves: writing on in the words of "
     "the file, and writing its end again with changes; at depth 0",
     0, 0, 0},
    {"threads", OPTION_COUNTS, FIELD(thread_counts), "N,...",
     "threads to compute with; 0: one per processor (default 0)", 0, 4096, 't'},
    {"isa", OPTION_CHOICES, FIELD(isas), "best|portable|avx2|avx512|neon",
     "instruction sets, separated by commas (default best)", 0, 0, 0},
    {"cache", OPTION_CHOICES, FIELD(caches), "auto|f32|f16|q8",
     "formats of the cached keys and values, separated by commas (default "
     "auto)",
     0, 0, 0},
    {"rope", OPTION_CHOICE, FIELD(rope), "auto|short|long",
     "rotary factors of LongRoPE models; auto takes those for the longest "
     "context that is measured (default auto)",
     0, 0, 0},
    {"repeat", OPTION_COUNT, FIELD(repeat), "N",
     "rounds; each measures everything once (default 3)", 1, BENCH_MAX_ROUNDS,
     'r'},
    {"against", OPTION_TEXT, FIELD(against), "DIR",
     "measure prefill, decode and batch of an installation of llama.cpp in "
     "between, which has DIR/include and DIR/lib; needs a C compiler",
     0, 0, 0},
    {"json", OPTION_FLAG, FIELD(json), NULL, "print one JSON object", 0, 0, 0},
};
static const option_group bench_options = OPTION_GROUP("Measurement", table);
static const option_group *const groups[] = {&bench_options, NULL};

const command command_bench = {
    "bench",
    "MODEL",
    1,
    1,
    "measure speed and memory",
    "Measures every combination of the values listed, in turn, round after "
    "round: loading and the first token of a short prompt in a fresh process, "
    "and its highest resident memory; then tokens a second of reading a prompt "
    "(prefill), of single given tokens (decode) and of the whole loop with "
    "sampling (generate), the latter two as shares of the memory bandwidth and "
    "the first as a share of the 8-bit multiply-adds that this machine has, "
    "measured in the same rounds. Lists are separated by commas.",
    groups,
    bench_command};
