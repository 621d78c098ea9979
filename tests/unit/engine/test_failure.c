/* SPDX-License-Identifier: MIT
 * Every allocation failed in turn, and weights of any bits. */
#include "engine_cases.h"
#include "failing_heap.h"

#include <stdio.h>
#include <unistd.h>

enum { N = 4 };

static const phial_token tokens[N] = {1, 2, 3, 4};

static phial_status pass(const ph_model *model, ph_pool *pool, float *logits)
{
    const ph_sequence_config config = {66, 66, PHIAL_CACHE_F16, NULL};
    ph_sequence *seq;
    phial_status status;

    PH_TRY(ph_sequence_new(model, pool, &config, &seq));
    status = ph_sequence_forward(seq, tokens, N, PH_ROPE_SHORT, PH_LOGITS_ALL,
                                 logits, NULL);
    ph_sequence_free(seq);
    return status;
}

static phial_status open_and_run(void *user, const ph_heap *heap)
{
    static float logits[N * 512];
    const ph_model_config config = {.heap = heap, .flags = PHIAL_MODEL_VERIFY};
    ph_model *model;
    ph_pool *pool;
    phial_status status;

    PH_TRY(ph_model_open(user, &config, &model));
    status = ph_pool_new(heap, 2, &pool);
    if (status == PHIAL_OK) {
        status = pass(model, pool, logits);
        ph_pool_free(pool);
    }
    ph_model_free(model);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    char path[] = "/tmp/phial-test-engine-XXXXXX";
    tiny_model m = tiny_model_of((tiny_family)_i, PH_Q4_0, 1);
    gguf_writer *w;
    size_t n_points = 0;
    const int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    m.n_layers = 1;
    w = tiny_model_build(&m);
    gguf_write(w, path);
    gguf_writer_free(w);
    ck_assert_uint_eq(failing_heap_loop(open_and_run, path, &n_points), 0);
    unlink(path);
    printf("%s: %zu allocations failed in turn\n",
           tiny_family_name((tiny_family)_i), n_points);
    ck_assert_uint_gt(n_points, 20);
}
END_TEST

static const ph_dtype types[] = {
    PH_F32,  PH_F16,  PH_BF16, PH_Q4_0, PH_Q4_1, PH_Q5_0,   PH_Q5_1,  PH_Q8_0,
    PH_Q2_K, PH_Q3_K, PH_Q4_K, PH_Q5_K, PH_Q6_K, PH_IQ4_NL, PH_IQ4_XS};

/* All bits of the tensor from a random stream; of some seeds sparsely, so that
 * not everything is a NaN. */
static void spoil(gguf_writer *w, const char *name, ph_dtype type,
                  uint32_t rows, uint32_t cols, uint64_t seed)
{
    const uint64_t dims[] = {cols, rows};
    const uint64_t every = seed % 4 == 0 ? 1 : seed % 4 * 1000;
    const uint64_t key = tiny_random(ph_hash(name, strlen(name)), seed);
    uint8_t *data = tiny_weights(type, rows, cols, 0.1f, seed);
    uint64_t bytes = 0;

    ck_assert(ph_dtype_bytes(type, (uint64_t)rows * cols, &bytes));
    for (uint64_t i = 0; i < bytes; i++) {
        if (tiny_random(key, 2 * i) % every == 0)
            data[i] = (uint8_t)tiny_random(key, 2 * i + 1);
    }
    gguf_put_tensor(w, name, (uint32_t)type, dims, rows == 1 ? 1 : 2, data);
    free(data);
}

/* The tensors of a one-layer TINY_PHI4. */
static ph_model *open_spoilt(ph_dtype type, uint64_t seed)
{
    tiny_model m = tiny_model_of(TINY_PHI4, PH_F16, seed);
    const uint32_t d = m.n_embd;
    gguf_writer *w;

    m.n_layers = 1;
    w = tiny_model_build(&m);
    if (seed % 2) {
        spoil(w, "blk.0.attn_norm.weight", PH_F32, 1, d, seed);
        spoil(w, "output_norm.weight", PH_F32, 1, d, seed);
    }
    spoil(w, "blk.0.attn_qkv.weight", type, d + 2 * d / 4, d, seed);
    spoil(w, "blk.0.attn_output.weight", type, d, d, seed);
    spoil(w, "blk.0.ffn_up.weight", type, 2 * m.n_ff, d, seed);
    spoil(w, "blk.0.ffn_down.weight", type, d, m.n_ff, seed);
    spoil(w, "token_embd.weight", type, 313, d, seed);
    spoil(w, "output.weight", type, 313, d, seed);
    return open_writer(w);
}

START_TEST(weights_of_any_bits_load_and_run)
{
    const char *more = getenv("PHIAL_RANDOM_MODELS");
    const uint64_t n_models = more ? strtoull(more, NULL, 10) : 8;
    ph_pool *pool = new_pool(2);
    uint64_t n_finite = 0;

    for (uint64_t seed = 0; seed < n_models; seed++) {
        ph_model *model = open_spoilt(types[_i], seed);
        float *logits = malloc((size_t)N * model->hp.n_vocab * sizeof *logits);
        const phial_status status = pass(model, pool, logits);

        if (status == PHIAL_OK)
            n_finite++;
        else
            ck_status(status, PHIAL_E_NUMERIC);
        free(logits);
        ph_model_free(model);
    }
    printf("%s: %u models of random bytes, %u with finite logits\n",
           ph_dtype_get((uint32_t)types[_i])->name, (unsigned)n_models,
           (unsigned)n_finite);
    ph_pool_free(pool);
}
END_TEST

TCase *failure_cases(void)
{
    TCase *t = tcase_create("failure");

    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, every_allocation_may_fail, 0, TINY_FAMILIES);
    tcase_add_loop_test(t, weights_of_any_bits_load_and_run, 0,
                        (int)(sizeof types / sizeof *types));
    return t;
}
