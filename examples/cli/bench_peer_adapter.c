/* SPDX-License-Identifier: MIT
 * llama.cpp, or its relative ik_llama.cpp, behind a pipe: phial bench --against
 * compiles this file at run time against the headers and libraries of a build
 * that the user names. Of each peer there are two ways to be fast: without and
 * with an OPTION, which is flash attention, or repacked weights for
 * ik_llama.cpp, whose flash attention is always on.
 *
 * usage: adapter MODEL LIBRARIES           answers commands from stdin
 *        adapter MODEL LIBRARIES THREADS   prints seconds to load and to the
 *                                          first token, and ends
 *
 * open ID THREADS CONTEXT F32 OPTION DEPTH makes a context and fills it
 * prefill ID TOKENS                        both from the context's depth on,
 * decode ID TOKENS                         prints seconds
 */
#include <llama.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_CONTEXTS = 1024, FIRST_PROMPT = 32, BATCH = 2048 };

static struct peer {
    struct llama_context *context;
    int depth;
} peers[MAX_CONTEXTS];

static struct llama_model *models[2]; /* without and with the option */
static int n_vocab;

#if __has_include(<ggml-cpu.h>)
#include <ggml-backend.h>
#include <ggml-cpu.h>

static const char option[] = "flash attention";

static void begin(const char *libraries)
{
    ggml_backend_load_all_from_path(libraries);
}

static struct llama_model_params model_params(int with)
{
    (void)with;
    return llama_model_default_params();
}

/* One model serves both. */
static const int models_differ = 0;

static void set_option(struct llama_context_params *params, int with)
{
    params->flash_attn_type =
        with ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    if (!with && params->type_v == GGML_TYPE_Q8_0)
        params->type_v = GGML_TYPE_F16; /* it takes 8 bits with it only */
    params->no_perf = true;
}

/* A pool of threads that lives as long as the context, as llama-bench has it;
 * the processor's library offers the function by name. */
static void attach_pool(struct llama_context *context, int n_threads)
{
    struct ggml_threadpool_params params =
        ggml_threadpool_params_default(n_threads);
    ggml_backend_reg_t cpu = ggml_backend_dev_backend_reg(
        ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));
    void *found = ggml_backend_reg_get_proc_address(cpu, "ggml_threadpool_new");
    struct ggml_threadpool *(*make)(struct ggml_threadpool_params *);
    struct ggml_threadpool *pool;

    memcpy(&make, &found, sizeof make);
    pool = found ? make(&params) : NULL;
    if (pool)
        llama_attach_threadpool(context, pool, pool);
}

static llama_batch batch_at(llama_token *tokens, int n, int position)
{
    (void)position;
    return llama_batch_get_one(tokens, n);
}

static void forget(struct llama_context *context, int depth)
{
    llama_memory_seq_rm(llama_get_memory(context), 0, depth, -1);
}
#else /* ik_llama.cpp: it is older than that header */
static const char option[] = "repacking";

static void begin(const char *libraries)
{
    (void)libraries;
}

static struct llama_model_params model_params(int with)
{
    struct llama_model_params params = llama_model_default_params();

    params.repack_tensors = with;
    return params;
}

static const int models_differ = 1;

static void set_option(struct llama_context_params *params, int with)
{
    (void)with;
    params->flash_attn = true;
}

static void attach_pool(struct llama_context *context, int n_threads)
{
    (void)context;
    (void)n_threads;
}

static llama_batch batch_at(llama_token *tokens, int n, int position)
{
    return llama_batch_get_one(tokens, n, position, 0);
}

static void forget(struct llama_context *context, int depth)
{
    llama_kv_cache_seq_rm(context, 0, depth, -1);
}
#endif

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
                                          const char *cache, int with)
{
    struct llama_context_params params = llama_context_default_params();
    struct llama_context *context;

    params.n_ctx = n_context;
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

/* n tokens from number first on, at most batch at a time, and the logits
 * behind the last. */
static int feed(struct llama_context *context, int first, int n, int batch)
{
    static llama_token tokens[BATCH];

    for (int at = 0; at < n; at += batch) {
        int count = n - at < batch ? n - at : batch;

        for (int i = 0; i < count; i++)
            tokens[i] =
                (llama_token)(((long long)(first + at + i) * 7919 + 17) %
                              n_vocab);
        if (llama_decode(context, batch_at(tokens, count, first + at)))
            return 0;
        if (!llama_get_logits_ith(context, -1))
            return 0;
    }
    return 1;
}

static int open_peer(const char *line, const char *path)
{
    int id, n_threads, with, depth;
    unsigned n_context;
    char cache[8];

    if (sscanf(line, "open %d %d %u %7s %d %d", &id, &n_threads, &n_context,
               cache, &with, &depth) != 6 ||
        id < 0 || id >= MAX_CONTEXTS || with != !!with ||
        !load_model(path, with))
        return 0;
    peers[id].context = make_context(n_threads, n_context, cache, with);
    peers[id].depth = depth;
    if (!peers[id].context)
        return 0;
    /* without a depth, something to warm up with */
    return feed(peers[id].context, 0, depth ? depth : (int)n_context / 2,
                BATCH);
}

static int measure(const char *line)
{
    int id, n;
    char work[16];
    struct peer *p;

    if (sscanf(line, "%15s %d %d", work, &id, &n) != 3 || id < 0 ||
        id >= MAX_CONTEXTS || !peers[id].context)
        return 0;
    p = &peers[id];
    forget(p->context, p->depth);
    return feed(p->context, p->depth, n, strcmp(work, "decode") ? BATCH : 1);
}

static int answer_commands(const char *path)
{
    char line[128];

    while (fgets(line, sizeof line, stdin)) {
        double start = now();
        int ok =
            strncmp(line, "open", 4) ? measure(line) : open_peer(line, path);

        if (!ok) {
            puts("failed");
            return 1;
        }
        printf("%.9f\n", now() - start);
        fflush(stdout);
    }
    return 0;
}

static int first_token(int n_threads, double start)
{
    double loaded = now();
    struct llama_context *context =
        make_context(n_threads, 2 * FIRST_PROMPT, "auto", !models_differ);
    const float *logits;
    int best = 0;

    if (!context || !feed(context, 0, FIRST_PROMPT, BATCH))
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
    if (argc > 3)
        return first_token(atoi(argv[3]), start);
    printf("ready %s\n", option);
    fflush(stdout);
    return answer_commands(argv[1]);
}
