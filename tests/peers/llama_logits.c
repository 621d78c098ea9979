/* SPDX-License-Identifier: MIT
 * The logits that a build of llama.cpp, or of its relative ik_llama.cpp,
 * computes: compiled at test time against the peer's headers and libraries,
 * which compare_llama.py takes from a package registry.
 *
 * usage: llama_logits MODEL BACKENDS_DIR N_CONTEXT f32|f16|q8 THREADS
 *                     [BATCH [flash]]
 * stdin: token ids in text, one sequence per line. stdout: per line n_vocab
 * floats, the logits after its last token, or with BATCH those after every
 * token, computed BATCH tokens at a time; stderr: the program's own messages.
 * flash: with flash attention, which a q8 cache needs.
 */
#include <llama.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENS = 65536 };

static size_t n_vocab;

#if __has_include(<ggml-cpu.h>)
#include <ggml-backend.h>

static void begin(const char *libraries)
{
    ggml_backend_load_all_from_path(libraries);
}

static void set_attention(struct llama_context_params *params, bool flash)
{
    params->flash_attn_type =
        flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params->swa_full = true;
}

static void forget(struct llama_context *context)
{
    llama_memory_clear(llama_get_memory(context), true);
}

static void free_model(struct llama_model *model)
{
    llama_model_free(model);
}
#else /* ik_llama.cpp, which parted from llama.cpp before there was that file  \
       */
static void begin(const char *libraries)
{
    (void)libraries;
}

static void set_attention(struct llama_context_params *params, bool flash)
{
    params->flash_attn = flash;
    if (params->type_v == GGML_TYPE_F32)
        params->type_v = GGML_TYPE_F16; /* no attention for F32 values */
    params->k_cache_hadamard = params->type_k == GGML_TYPE_Q8_0;
    params->v_cache_hadamard = params->type_v == GGML_TYPE_Q8_0;
}

static void forget(struct llama_context *context)
{
    llama_kv_cache_clear(context);
}

static void free_model(struct llama_model *model)
{
    llama_free_model(model);
}
#endif

static void quiet(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

static enum ggml_type type_of(const char *cache)
{
    if (strcmp(cache, "q8") == 0)
        return GGML_TYPE_Q8_0;
    return strcmp(cache, "f32") == 0 ? GGML_TYPE_F32 : GGML_TYPE_F16;
}

static struct llama_context *open_context(struct llama_model *model,
                                          unsigned n_context, const char *cache,
                                          int threads, bool flash)
{
    struct llama_context_params params = llama_context_default_params();

    params.n_ctx = n_context;
    params.n_batch = params.n_ubatch = n_context;
    params.n_threads = params.n_threads_batch = threads;
    params.type_k = params.type_v = type_of(cache);
    set_attention(&params, flash);
    return llama_init_from_model(model, params);
}

static int read_line(llama_token *tokens)
{
    int n = 0, c;
    long value;

    while (n < MAX_TOKENS && scanf("%ld", &value) == 1) {
        tokens[n++] = (llama_token)value;
        c = getchar();
        if (c == '\n' || c == EOF)
            break;
    }
    return n;
}

static int answer(struct llama_context *context, llama_batch *batch,
                  const llama_token *tokens, int n, int step, int all)
{
    forget(context);
    for (int at = 0; at < n; at += step) {
        batch->n_tokens = n - at < step ? n - at : step;
        for (int i = 0; i < batch->n_tokens; i++) {
            batch->token[i] = tokens[at + i];
            batch->pos[i] = at + i;
            batch->n_seq_id[i] = 1;
            batch->seq_id[i][0] = 0;
            batch->logits[i] = (int8_t)(all || at + i == n - 1);
        }
        if (llama_decode(context, *batch))
            return 0;
        for (int i = 0; i < batch->n_tokens; i++)
            if (batch->logits[i])
                fwrite(llama_get_logits_ith(context, i), sizeof(float), n_vocab,
                       stdout);
    }
    fflush(stdout);
    return 1;
}

int main(int argc, char **argv)
{
    static llama_token tokens[MAX_TOKENS];
    struct llama_model *model;
    struct llama_context *context;
    llama_batch batch;
    int n, n_context;

    if (argc < 6 || argc > 8)
        return 2;
    llama_log_set(quiet, NULL);
    begin(argv[2]);
    llama_backend_init();
    model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (!model)
        return 3;
    n_context = atoi(argv[3]);
    context = open_context(model, (unsigned)n_context, argv[4], atoi(argv[5]),
                           argc > 7);
    if (!context)
        return 3;
    n_vocab = (size_t)llama_vocab_n_tokens(llama_model_get_vocab(model));
    batch = llama_batch_init(n_context, 0, 1);
    while ((n = read_line(tokens)) > 0)
        if (!answer(context, &batch, tokens, n,
                    argc > 6 ? atoi(argv[6]) : n_context, argc > 6))
            return 4;
    llama_batch_free(batch);
    llama_free(context);
    free_model(model);
    return 0;
}
