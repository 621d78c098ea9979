/* SPDX-License-Identifier: MIT
 * Every matrix of a model in one type, or in those that the matrices of another
 * file have, by llama.cpp's own quantiser: compiled at test time like
 * llama_logits.c.
 *
 * usage: llama_quantize FLOATS.gguf OUT.gguf FILE_TYPE THREADS [LIKE.gguf]
 * FILE_TYPE is a number of enum llama_ftype.
 */
#include <gguf.h>
#include <llama.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void quiet(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

/* What every tensor of the file has; an entry without a name ends the list. */
static struct llama_model_tensor_override *types_of(const char *path)
{
    struct gguf_init_params params = {.no_alloc = true};
    struct gguf_context *file = gguf_init_from_file(path, params);
    struct llama_model_tensor_override *types;
    int64_t n;

    if (!file)
        return NULL;
    n = gguf_get_n_tensors(file);
    types = calloc((size_t)n + 1, sizeof *types);
    for (int64_t i = 0; types && i < n; i++) {
        const char *name = gguf_get_tensor_name(file, i);
        char *pattern = malloc(strlen(name) + 3);

        if (!pattern)
            return NULL;
        sprintf(pattern, "^%s$", name);
        types[i].pattern = pattern;
        types[i].type = gguf_get_tensor_type(file, i);
    }
    return types;
}

int main(int argc, char **argv)
{
    struct llama_model_quantize_params params =
        llama_model_quantize_default_params();

    if (argc < 5 || argc > 6)
        return 2;
    llama_log_set(quiet, NULL);
    llama_backend_init();
    params.ftype = (enum llama_ftype)atoi(argv[3]);
    params.nthread = atoi(argv[4]);
    params.pure = true;
    if (argc == 6) {
        params.tt_overrides = types_of(argv[5]);
        if (!params.tt_overrides)
            return 3;
    }
    return llama_model_quantize(argv[1], argv[2], &params) ? 1 : 0;
}
