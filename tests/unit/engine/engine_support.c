/* SPDX-License-Identifier: MIT
 * Models, sequences and reference data for the engine's tests. */
#include "engine_cases.h"

#include <unistd.h>

const char golden_path[] = "tests/golden/logits.bin";

ph_model *open_writer(gguf_writer *w)
{
    const ph_model_config config = {.heap = &ph_libc_heap};
    char path[] = "/tmp/phial-test-engine-XXXXXX";
    ph_model *model = NULL;
    const int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    gguf_write(w, path);
    gguf_writer_free(w);
    ck_status(ph_model_open(path, &config, &model), PHIAL_OK);
    unlink(path);
    return model;
}

ph_model *open_tiny(tiny_family family, ph_dtype type)
{
    const tiny_model m = tiny_model_of(family, type, 1);

    return open_writer(tiny_model_build(&m));
}

ph_pool *new_pool(uint32_t n_threads)
{
    ph_pool *pool = NULL;

    ck_status(ph_pool_new(&ph_libc_heap, n_threads, &pool), PHIAL_OK);
    return pool;
}

ph_sequence *new_sequence(const ph_model *model, ph_pool *pool, uint32_t batch,
                          int32_t cache_format)
{
    const ph_sequence_config config = {
        .n_context = model->hp.n_context,
        .n_batch = batch,
        .cache_format = cache_format,
    };
    ph_sequence *seq = NULL;

    ck_status(ph_sequence_new(model, pool, &config, &seq), PHIAL_OK);
    return seq;
}

void run_all(const ph_model *model, ph_sequence *seq, const phial_token *tokens,
             uint32_t n, uint32_t chunk, int rope, float *logits)
{
    const uint32_t before = ph_sequence_length(seq);
    uint32_t done = 0;

    while (done < n) {
        const uint32_t count = n - done < chunk ? n - done : chunk;

        ck_status(ph_sequence_forward(
                      seq, tokens + done, count, rope, PH_LOGITS_ALL,
                      logits + (size_t)done * model->hp.n_vocab, NULL),
                  PHIAL_OK);
        done += count;
        ck_assert_uint_eq(ph_sequence_length(seq), before + done);
    }
}

float *logits_of(const ph_model *model, uint32_t n_threads, uint32_t chunk,
                 int32_t cache_format, const phial_token *tokens, uint32_t n,
                 int rope)
{
    ph_pool *pool = new_pool(n_threads);
    ph_sequence *seq = new_sequence(model, pool, chunk, cache_format);
    float *logits = malloc((size_t)n * model->hp.n_vocab * sizeof *logits);

    ck_assert_ptr_nonnull(logits);
    run_all(model, seq, tokens, n, chunk, rope, logits);
    ph_sequence_free(seq);
    ph_pool_free(pool);
    return logits;
}

int rope_for(const ph_model *model, uint32_t n)
{
    return model->hp.longrope && n > model->hp.n_context_original
               ? PH_ROPE_LONG
               : PH_ROPE_SHORT;
}

void make_tokens(phial_token *tokens, uint32_t n, uint64_t seed)
{
    for (uint32_t i = 0; i < n; i++)
        tokens[i] = (phial_token)(tiny_random(seed, i) % 300);
}

ph_adapter *open_adapter(const ph_model *model, const tiny_adapter *a,
                         uint64_t id)
{
    char path[] = "/tmp/phial-test-lora-XXXXXX";
    const int fd = mkstemp(path);
    gguf_writer *w = tiny_adapter_build(a);
    ph_adapter *adapter = NULL;

    ck_assert_int_ge(fd, 0);
    close(fd);
    gguf_write(w, path);
    gguf_writer_free(w);
    ck_status(ph_adapter_open(model, path, id, &adapter), PHIAL_OK);
    unlink(path);
    return adapter;
}
