/* SPDX-License-Identifier: MIT
 * llama.cpp, or its relative ik_llama.cpp, behind a pipe: phial bench --against
 * compiles this file at run time against the headers and libraries of a build
 * that the user names.
 *
 * usage: adapter MODEL LIBRARIES           answers commands from stdin
 *        adapter MODEL LIBRARIES THREADS   prints seconds to load and to the
 *                                          first token, and ends
 *
 * open ID THREADS CONTEXT F32 OPTION DEPTH SEQUENCES
 *                      a context for so many sequences of CONTEXT tokens, each
 *                      filled to the depth; "unable" if it takes one only
 * prefill ID TOKENS    from the depth on, at once
 * decode ID TOKENS     the same, one after the other
 * batch ID TOKENS      so many for each sequence, one of each in a pass
 *
 * The answer is the seconds that it took. */
#include "bench_peer_variant.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_CONTEXTS = 1024, FIRST_PROMPT = 32, BATCH = 2048, WARM_UP = 8 };

static struct peer {
    struct llama_context *context;
    int depth, n_sequences;
} peers[MAX_CONTEXTS];

static struct llama_model *models[2]; /* without and with the option */
static int n_vocab;
static llama_batch batch; /* of up to BATCH tokens */

static void quiet(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* By the name that phial bench has for it; auto is its f16. */
static enum ggml_type cache_type(const char *cache)
{
    return strcmp(cache, "f32") == 0  ? GGML_TYPE_F32
           : strcmp(cache, "q8") == 0 ? GGML_TYPE_Q8_0
                                      : GGML_TYPE_F16;
}

static struct llama_context *make_context(int n_threads, unsigned n_context,
                                          const char *cache, int with,
                                          int n_sequences)
{
    struct llama_context_params params = llama_context_default_params();
    struct llama_context *context;

    params.n_ctx = n_context * (unsigned)n_sequences;
    params.n_seq_max = (unsigned)n_sequences;
    params.n_batch = BATCH;
    params.n_threads = params.n_threads_batch = (unsigned)n_threads;
    params.type_k = params.type_v = cache_type(cache);
    set_option(&params, with);
    context = llama_init_from_model(models[with], params);
    if (context)
        attach_pool(context, n_threads);
    return context;
}

static int load_model(const char *path, int with)
{
    struct llama_model_params params = model_params(with);

    if (models[with])
        return 1;
    if (with && !models_differ) {
        models[1] = models[0];
        return 1;
    }
    params.n_gpu_layers = 0;
    models[with] = llama_model_load_from_file(path, params);
    return models[with] != NULL;
}

/* One more token in the batch. Those of different sequences differ. */
static void put(int sequence, int position, int wants_logits)
{
    const long long number = position + 4099LL * sequence;
    const int i = batch.n_tokens++;

    batch.token[i] = (llama_token)((number * 7919 + 17) % n_vocab);
    batch.pos[i] = position;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = sequence;
    batch.logits[i] = wants_logits != 0;
}

/* n tokens of a sequence from position first on, at most most at a time, and
 * the logits behind the last of each time. */
static int feed(struct llama_context *context, int sequence, int first, int n,
                int most)
{
    for (int at = 0; at < n; at += most) {
        const int count = n - at < most ? n - at : most;

        batch.n_tokens = 0;
        for (int i = 0; i < count; i++)
            put(sequence, first + at + i, i == count - 1);
        if (llama_decode(context, batch))
            return 0;
        if (!llama_get_logits_ith(context, -1))
            return 0;
    }
    return 1;
}

/* n tokens of every sequence from its depth on, one of each in a pass, and the
 * logits behind all of them. */
static int feed_together(const struct peer *p, int n)
{
    for (int at = 0; at < n; at++) {
        batch.n_tokens = 0;
        for (int i = 0; i < p->n_sequences; i++)
            put(i, p->depth + at, 1);
        if (llama_decode(p->context, batch))
            return 0;
        for (int i = 0; i < p->n_sequences; i++)
            if (!llama_get_logits_ith(p->context, i))
                return 0;
    }
    return 1;
}

static void go_back(const struct peer *p)
{
    for (int i = 0; i < p->n_sequences; i++)
        forget(p->context, i, p->depth);
}

/* Without a depth, something to warm up with. */
static int fill(const struct peer *p, int n_context)
{
    const int n = p->depth ? p->depth : n_context / 2;

    if (p->n_sequences == 1)
        return feed(p->context, 0, 0, n, BATCH);
    for (int i = 0; i < p->n_sequences && p->depth; i++)
        if (!feed(p->context, i, 0, p->depth, BATCH))
            return 0;
    return feed_together(
        p, n_context - p->depth < WARM_UP ? n_context - p->depth : WARM_UP);
}

/* 1: done; 0: failed; -1: it does not take so many sequences. */
static int open_peer(const char *line, const char *path)
{
    int id, n_threads, with;
    unsigned n_context;
    char cache[8];
    struct peer p;

    if (sscanf(line, "open %d %d %u %7s %d %d %d", &id, &n_threads, &n_context,
               cache, &with, &p.depth, &p.n_sequences) != 7 ||
        id < 0 || id >= MAX_CONTEXTS || with != !!with || p.n_sequences < 1 ||
        p.n_sequences > BATCH || !load_model(path, with))
        return 0;
    p.context = make_context(n_threads, n_context, cache, with, p.n_sequences);
    if (!p.context)
        return p.n_sequences > 1 ? -1 : 0;
    if (!fill(&p, (int)n_context))
        return 0;
    peers[id] = p;
    return 1;
}

static int measure(const char *line)
{
    int id, n;
    char work[16];
    const struct peer *p;

    if (sscanf(line, "%15s %d %d", work, &id, &n) != 3 || id < 0 ||
        id >= MAX_CONTEXTS || !peers[id].context)
        return 0;
    p = &peers[id];
    go_back(p);
    if (strcmp(work, "batch") == 0)
        return feed_together(p, n);
    return feed(p->context, 0, p->depth, n, strcmp(work, "decode") ? BATCH : 1);
}

static int answer_commands(const char *path)
{
    char line[128];

    while (fgets(line, sizeof line, stdin)) {
        double start = now();
        const int done =
            strncmp(line, "open", 4) ? measure(line) : open_peer(line, path);

        if (!done) {
            puts("failed");
            return 1;
        }
        if (done < 0)
            puts("unable");
        else
            printf("%.9f\n", now() - start);
        fflush(stdout);
    }
    return 0;
}

static int first_token(int n_threads, double start)
{
    double loaded = now();
    struct llama_context *context =
        make_context(n_threads, 2 * FIRST_PROMPT, "auto", !models_differ, 1);
    const float *logits;
    int best = 0;

    if (!context || !feed(context, 0, 0, FIRST_PROMPT, BATCH))
        return 1;
    logits = llama_get_logits_ith(context, -1);
    for (int i = 1; i < n_vocab; i++)
        best = logits[i] > logits[best] ? i : best;
    printf("%.9f %.9f %d\n", loaded - start, now() - start, best);
    return 0;
}

int main(int argc, char **argv)
{
    double start;

    if (argc < 3)
        return 2;
    llama_log_set(quiet, NULL);
    begin(argv[2]);
    llama_backend_init();
    start = now();
    if (!load_model(argv[1], 0) || (!models_differ && !load_model(argv[1], 1)))
        return 1;
    n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(models[0]));
    batch = llama_batch_init(BATCH, 0, 1);
    if (argc > 3)
        return first_token(atoi(argv[3]), start);
    printf("ready %s\n", option);
    fflush(stdout);
    return answer_commands(argv[1]);
}
