/* SPDX-License-Identifier: MIT
 * The logits that a llama.cpp build computes: compiled at test time against
 * headers and libraries that compare_llama.py took from a package registry.
 *
 * usage: llama_logits MODEL BACKENDS_DIR N_CONTEXT f32|f16 THREADS
 * stdin: token ids in text, one sequence per line. stdout: per line n_vocab
 * floats, the logits after its last token; stderr: the program's own messages.
 */
#include <llama.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENS = 65536 };

static void quiet(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (level >= GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

static struct llama_context *open_context(struct llama_model *model,
                                          unsigned n_context, const char *cache,
                                          int threads)
{
    struct llama_context_params params = llama_context_default_params();

    params.n_ctx = n_context;
    params.n_batch = params.n_ubatch = n_context;
    params.n_threads = params.n_threads_batch = threads;
    params.type_k = params.type_v =
        strcmp(cache, "f32") ? GGML_TYPE_F16 : GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.swa_full = true;
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

int main(int argc, char **argv)
{
    static llama_token tokens[MAX_TOKENS];
    struct llama_model_params params;
    struct llama_model *model;
    struct llama_context *context;
    int n, n_vocab;

    if (argc != 6)
        return 2;
    llama_log_set(quiet, NULL);
    ggml_backend_load_all_from_path(argv[2]);
    llama_backend_init();
    params = llama_model_default_params();
    model = llama_model_load_from_file(argv[1], params);
    if (!model)
        return 3;
    context =
        open_context(model, (unsigned)atoi(argv[3]), argv[4], atoi(argv[5]));
    if (!context)
        return 3;
    n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
    while ((n = read_line(tokens)) > 0) {
        llama_memory_clear(llama_get_memory(context), true);
        if (llama_decode(context, llama_batch_get_one(tokens, n)))
            return 4;
        fwrite(llama_get_logits_ith(context, -1), sizeof(float),
               (size_t)n_vocab, stdout);
        fflush(stdout);
    }
    llama_free(context);
    llama_model_free(model);
    return 0;
}
