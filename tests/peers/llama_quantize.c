/* SPDX-License-Identifier: MIT
 * Every matrix of a model in one type, by llama.cpp's own quantiser: compiled
 * at test time like llama_logits.c.
 *
 * usage: llama_quantize FLOATS.gguf OUT.gguf FILE_TYPE THREADS
 * FILE_TYPE is a number of enum llama_ftype.
 */
#include <llama.h>

#include <stdio.h>
#include <stdlib.h>

static void quiet(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

int main(int argc, char **argv)
{
    struct llama_model_quantize_params params =
        llama_model_quantize_default_params();

    if (argc != 5)
        return 2;
    llama_log_set(quiet, NULL);
    llama_backend_init();
    params.ftype = (enum llama_ftype)atoi(argv[3]);
    params.nthread = atoi(argv[4]);
    params.pure = true;
    return llama_model_quantize(argv[1], argv[2], &params) ? 1 : 0;
}
