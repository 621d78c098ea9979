/* SPDX-License-Identifier: MIT
 * Every matrix of a model in one type, or in those that the matrices of another
 * file have, by llama.cpp's own quantiser: compiled at test time like
 * llama_logits.c.
 *
 * usage: llama_quantize FLOATS.gguf OUT.gguf FILE_TYPE THREADS
 *                       [LIKE.gguf [IMATRIX.gguf]]
 * FILE_TYPE is a number of enum llama_ftype.
 */
#include <ggml.h>
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

/* The mean squares of a pair of tensors, NAME.in_sum2 and NAME.counts. */
static int read_entry(struct ggml_context *all, struct ggml_tensor *sums,
                      struct llama_model_imatrix_data *out)
{
    const size_t n = (size_t)ggml_nelements(sums);
    const char *end = strstr(ggml_get_name(sums), ".in_sum2");
    const int length = (int)(end - ggml_get_name(sums));
    const struct ggml_tensor *counts;
    char *name = malloc(GGML_MAX_NAME);
    float *mean = malloc(n * sizeof *mean);

    if (!name || !mean)
        return 0;
    snprintf(name, GGML_MAX_NAME, "%.*s.counts", length, ggml_get_name(sums));
    counts = ggml_get_tensor(all, name);
    if (!counts)
        return 0;
    for (size_t i = 0; i < n; i++)
        mean[i] = ((const float *)sums->data)[i] / *(const float *)counts->data;
    name[length] = 0;
    *out = (struct llama_model_imatrix_data){name, mean, n};
    return 1;
}

/* An entry without a name ends the list. */
static struct llama_model_imatrix_data *matrix_of(const char *path)
{
    struct ggml_context *all = NULL;
    struct gguf_init_params params = {.ctx = &all};
    struct gguf_context *file = gguf_init_from_file(path, params);
    struct llama_model_imatrix_data *entries;
    size_t n = 0;

    if (!file)
        return NULL;
    entries = calloc((size_t)gguf_get_n_tensors(file) + 1, sizeof *entries);
    for (struct ggml_tensor *t = ggml_get_first_tensor(all); entries && t;
         t = ggml_get_next_tensor(all, t))
        if (strstr(ggml_get_name(t), ".in_sum2") &&
            !read_entry(all, t, &entries[n++]))
            return NULL;
    return entries;
}

int main(int argc, char **argv)
{
    struct llama_model_quantize_params params =
        llama_model_quantize_default_params();

    if (argc < 5 || argc > 7)
        return 2;
    llama_log_set(quiet, NULL);
    llama_backend_init();
    params.ftype = (enum llama_ftype)atoi(argv[3]);
    params.nthread = atoi(argv[4]);
    params.pure = true;
    if (argc > 5) {
        params.tt_overrides = types_of(argv[5]);
        if (!params.tt_overrides)
            return 3;
    }
    if (argc > 6) {
        params.imatrix = matrix_of(argv[6]);
        if (!params.imatrix)
            return 4;
    }
    return llama_model_quantize(argv[1], argv[2], &params) ? 1 : 0;
}
