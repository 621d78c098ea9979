/* SPDX-License-Identifier: MIT
 * Weights of any bits: whatever a file's blocks hold, a model of them gives
 * finite logits or PHIAL_E_NUMERIC, and the same ones with every instruction
 * set of the processor. PHIAL_RANDOM_MODELS sets how many models of each type
 * are tried. */
#include "engine_cases.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { N = 4, MAX_VOCAB = 512 };

static const ph_dtype types[] = {
    PH_F32,  PH_F16,  PH_BF16, PH_Q4_0, PH_Q4_1, PH_Q5_0,   PH_Q5_1,  PH_Q8_0,
    PH_Q2_K, PH_Q3_K, PH_Q4_K, PH_Q5_K, PH_Q6_K, PH_IQ4_NL, PH_IQ4_XS};

/* All bits of the tensor from a random stream; of some seeds sparsely, so that
 * not everything is a NaN, among floats most sparsely. */
static void spoil(gguf_writer *w, const char *name, ph_dtype type,
                  uint32_t rows, uint32_t cols, uint64_t seed)
{
    const uint64_t dims[] = {cols, rows};
    const uint64_t rare = ph_dtype_is_quantized(type) ? 1000 : 200000;
    const uint64_t every = seed % 4 == 0 ? 1 : seed % 4 * rare;
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
static gguf_writer *spoilt_model(ph_dtype type, uint64_t seed)
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
    return w;
}

/* False if there is no such instruction set here. */
static bool run_with(const char *path, int32_t isa, ph_pool *pool,
                     phial_status *status, float *logits)
{
    static const phial_token tokens[N] = {1, 2, 3, 4};
    const ph_model_config config = {.heap = &ph_libc_heap, .isa = isa};
    ph_model *model = NULL;
    ph_sequence *seq;

    if (!ph_kernels_get(isa))
        return false;
    ck_status(ph_model_open(path, &config, &model), PHIAL_OK);
    ck_assert_uint_le(model->hp.n_vocab, MAX_VOCAB);
    memset(logits, 0, N * MAX_VOCAB * sizeof *logits);
    seq = new_sequence(model, pool, N, PHIAL_CACHE_F16);
    *status = ph_sequence_forward(seq, tokens, N, PH_ROPE_SHORT, PH_LOGITS_ALL,
                                  logits, NULL);
    if (*status != PHIAL_OK)
        ck_status(*status, PHIAL_E_NUMERIC);
    for (uint32_t i = 0; *status == PHIAL_OK && i < N * MAX_VOCAB; i++)
        ck_assert(isfinite(logits[i]));
    ph_sequence_free(seq);
    ph_model_free(model);
    return true;
}

/* Of what is not finite only the status is said to be the same. */
static void check_sets(const char *path, ph_pool *pool, phial_status *want)
{
    static float expected[N * MAX_VOCAB], got[N * MAX_VOCAB];
    phial_status status = PHIAL_OK;

    ck_assert(run_with(path, PHIAL_ISA_PORTABLE, pool, want, expected));
    for (int32_t isa = PHIAL_ISA_BEST; isa <= PHIAL_ISA_NEON; isa++) {
        if (isa == PHIAL_ISA_PORTABLE ||
            !run_with(path, isa, pool, &status, got))
            continue;
        ck_assert_msg(status == *want, "%s, not %s, with set %d",
                      ph_status_name(status), ph_status_name(*want), isa);
        if (status == PHIAL_OK)
            ck_assert_msg(memcmp(got, expected, sizeof got) == 0,
                          "other logits with set %d", isa);
    }
}

START_TEST(weights_of_any_bits_give_the_same_everywhere)
{
    const char *more = getenv("PHIAL_RANDOM_MODELS");
    const uint64_t n_models = more ? strtoull(more, NULL, 10) : 8;
    ph_pool *pool = new_pool(2);
    uint64_t n_finite = 0;

    for (uint64_t seed = 0; seed < n_models; seed++) {
        char path[] = "/tmp/phial-test-bits-XXXXXX";
        gguf_writer *w = spoilt_model(types[_i], seed);
        const int fd = mkstemp(path);
        phial_status status = PHIAL_OK;

        ck_assert_int_ge(fd, 0);
        close(fd);
        gguf_write(w, path);
        gguf_writer_free(w);
        check_sets(path, pool, &status);
        n_finite += status == PHIAL_OK;
        unlink(path);
    }
    printf("%s: %u models of random bytes, %u with finite logits\n",
           ph_dtype_get((uint32_t)types[_i])->name, (unsigned)n_models,
           (unsigned)n_finite);
    ck_assert_uint_gt(n_finite, 0);
    ph_pool_free(pool);
}
END_TEST

TCase *any_bits_cases(void)
{
    TCase *t = tcase_create("any bits");

    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, weights_of_any_bits_give_the_same_everywhere, 0,
                        (int)(sizeof types / sizeof *types));
    return t;
}
