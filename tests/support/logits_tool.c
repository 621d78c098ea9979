/* SPDX-License-Identifier: MIT
 * model-logits FILE short|long f32|f16 THREADS CHUNK < TOKENS > LOGITS: runs a
 * model over token ids (int32) in batches of CHUNK, and writes the logits after
 * each token (float32), for scripts. */
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_TOKENS = 1 << 16 };

static void must(phial_status status)
{
    if (status == PHIAL_OK)
        return;
    fprintf(stderr, "model-logits: %s: %s\n", ph_status_name(status),
            ph_error_text());
    exit(EXIT_FAILURE);
}

static void run(const ph_model *model, ph_sequence *seq, int rope,
                uint32_t chunk, const phial_token *tokens, uint32_t n)
{
    const size_t row = model->hp.n_vocab;
    float *logits = malloc(chunk * row * sizeof *logits);

    for (uint32_t at = 0; at < n; at += chunk) {
        const uint32_t count = n - at < chunk ? n - at : chunk;

        must(ph_sequence_forward(seq, tokens + at, count, rope, PH_LOGITS_ALL,
                                 logits, NULL));
        fwrite(logits, row * sizeof *logits, count, stdout);
    }
    free(logits);
}

int main(int argc, char **argv)
{
    static phial_token tokens[MAX_TOKENS];
    const ph_model_config config = {.heap = &ph_libc_heap};
    ph_sequence_config shape = {0};
    ph_model *model;
    ph_pool *pool;
    ph_sequence *seq;

    if (argc != 6) {
        fprintf(stderr, "usage: model-logits FILE short|long f32|f16 THREADS "
                        "CHUNK < TOKENS > LOGITS\n");
        return EXIT_FAILURE;
    }
    must(ph_model_open(argv[1], &config, &model));
    must(ph_pool_new(&ph_libc_heap, (uint32_t)strtoul(argv[4], 0, 10), &pool));
    shape.n_context = model->hp.n_context;
    shape.n_batch = (uint32_t)strtoul(argv[5], 0, 10);
    shape.cache_format =
        strcmp(argv[3], "f16") == 0 ? PHIAL_CACHE_F16 : PHIAL_CACHE_F32;
    must(ph_sequence_new(model, pool, &shape, &seq));
    run(model, seq, strcmp(argv[2], "long") == 0 ? PH_ROPE_LONG : PH_ROPE_SHORT,
        shape.n_batch, tokens,
        (uint32_t)fread(tokens, sizeof *tokens, MAX_TOKENS, stdin));
    ph_sequence_free(seq);
    ph_pool_free(pool);
    ph_model_free(model);
    return EXIT_SUCCESS;
}
