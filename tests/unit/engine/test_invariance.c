/* SPDX-License-Identifier: MIT
 * The same bits whatever the number of threads, however the text is cut, and
 * whatever the sequence did before. */
#include "engine_cases.h"

enum { N_TOKENS = 70 };

static const ph_dtype types[] = {
    PH_F32,  PH_F16,  PH_BF16, PH_Q4_0, PH_Q4_1, PH_Q5_0,   PH_Q5_1,  PH_Q8_0,
    PH_Q2_K, PH_Q3_K, PH_Q4_K, PH_Q5_K, PH_Q6_K, PH_IQ4_NL, PH_IQ4_XS};

enum { N_TYPES = sizeof types / sizeof *types };

static void check_equal(const ph_model *model, const float *want,
                        uint32_t threads, uint32_t chunk, int32_t format,
                        const phial_token *tokens, int rope)
{
    float *got =
        logits_of(model, threads, chunk, format, tokens, N_TOKENS, rope);
    const size_t bytes = (size_t)N_TOKENS * model->hp.n_vocab * sizeof *got;

    ck_assert_msg(memcmp(got, want, bytes) == 0,
                  "other bits with %u threads in batches of %u", threads,
                  chunk);
    free(got);
}

/* Every type in one family, a few in the others. */
static tiny_family family_of(int i)
{
    return i < N_TYPES ? TINY_PHI4 : (tiny_family)(1 + (i - N_TYPES) / 3);
}

static ph_dtype type_of(int i)
{
    static const ph_dtype few[] = {PH_F32, PH_BF16, PH_Q4_K};

    return i < N_TYPES ? types[i] : few[(i - N_TYPES) % 3];
}

START_TEST(threads_and_batches_do_not_change_a_bit)
{
    static const uint32_t threads[] = {1, 1, 1, 2, 3, 5, 3, 4, 8, 8};
    static const uint32_t chunks[] = {1, 7, 32, 32, 32, N_TOKENS, 1, 64, 1, 33};
    ph_model *model = open_tiny(family_of(_i), type_of(_i));
    /* each family has each type of weights with another format */
    const int32_t format = PHIAL_CACHE_F32 + (_i + _i / 3) % 3;
    phial_token tokens[N_TOKENS];
    float *want;

    make_tokens(tokens, N_TOKENS, 7);
    want =
        logits_of(model, 1, N_TOKENS, format, tokens, N_TOKENS, PH_ROPE_LONG);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++)
        check_equal(model, want, threads[i], chunks[i], format, tokens,
                    PH_ROPE_LONG);
    free(want);
    ph_model_free(model);
}
END_TEST

START_TEST(the_last_logits_are_the_last_of_all)
{
    ph_model *model = open_tiny((tiny_family)_i, PH_Q4_K);
    ph_pool *pool = new_pool(3);
    ph_sequence *seq = new_sequence(model, pool, N_TOKENS, PHIAL_CACHE_F32);
    const size_t row = model->hp.n_vocab;
    float *last = malloc(row * sizeof *last);
    phial_token tokens[N_TOKENS];
    float *all;

    make_tokens(tokens, N_TOKENS, 8);
    all = logits_of(model, 1, 16, PHIAL_CACHE_F32, tokens, N_TOKENS,
                    PH_ROPE_SHORT);
    ck_status(ph_sequence_forward(seq, tokens, 30, PH_ROPE_SHORT,
                                  PH_LOGITS_NONE, NULL, NULL),
              PHIAL_OK);
    ck_status(ph_sequence_forward(seq, tokens + 30, N_TOKENS - 30,
                                  PH_ROPE_SHORT, PH_LOGITS_LAST, last, NULL),
              PHIAL_OK);
    ck_assert_mem_eq(last, all + (N_TOKENS - 1) * row, row * sizeof *last);
    free(all);
    free(last);
    ph_sequence_free(seq);
    ph_pool_free(pool);
    ph_model_free(model);
}
END_TEST

START_TEST(a_truncated_sequence_goes_on_as_a_new_one)
{
    static const uint32_t cuts[] = {0, 1, 33, 63, 64, 65, 69, 70};
    ph_model *model = open_tiny((tiny_family)_i, PH_F32);
    ph_pool *pool = new_pool(2);
    ph_sequence *seq = new_sequence(model, pool, N_TOKENS, PHIAL_CACHE_F32);
    const size_t row = model->hp.n_vocab;
    float *got = malloc(N_TOKENS * row * sizeof *got);
    phial_token tokens[N_TOKENS], other[N_TOKENS];

    make_tokens(tokens, N_TOKENS, 9);
    make_tokens(other, N_TOKENS, 10);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        const uint32_t keep = cuts[i];
        float *want;

        ph_sequence_truncate(seq, 0);
        run_all(model, seq, other, N_TOKENS, 32, PH_ROPE_SHORT, got);
        memcpy(other, tokens, keep * sizeof *other);
        want = logits_of(model, 1, 32, PHIAL_CACHE_F32, other, N_TOKENS,
                         PH_ROPE_SHORT);
        ph_sequence_truncate(seq, 0);
        run_all(model, seq, tokens, N_TOKENS, 32, PH_ROPE_SHORT, got);
        ph_sequence_truncate(seq, keep);
        ck_assert_uint_eq(ph_sequence_length(seq), keep);
        run_all(model, seq, other + keep, N_TOKENS - keep, 32, PH_ROPE_SHORT,
                got);
        ck_assert_mem_eq(got, want + keep * row,
                         (N_TOKENS - keep) * row * sizeof *got);
        free(want);
        make_tokens(other, N_TOKENS, 10);
    }
    free(got);
    ph_sequence_free(seq);
    ph_pool_free(pool);
    ph_model_free(model);
}
END_TEST

TCase *invariance_cases(void)
{
    TCase *t = tcase_create("invariance");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, threads_and_batches_do_not_change_a_bit, 0,
                        N_TYPES + 3 * (TINY_FAMILIES - 1));
    tcase_add_loop_test(t, the_last_logits_are_the_last_of_all, 0,
                        TINY_FAMILIES);
    tcase_add_loop_test(t, a_truncated_sequence_goes_on_as_a_new_one, 0,
                        TINY_FAMILIES);
    return t;
}
