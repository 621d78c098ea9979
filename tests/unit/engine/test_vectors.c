/* SPDX-License-Identifier: MIT
 * Texts as vectors, beside the oracle in float64 (tests/golden), and with the
 * same bits however the states are read. */
#include "engine_cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const uint32_t lengths[] = {1, 63, 64, 65, 66, 130};

static float *embed(const ph_model *model, uint32_t n_threads,
                    const phial_token *tokens, uint32_t n, int32_t pooling)
{
    ph_pool *pool = new_pool(n_threads);
    float *vector = malloc(model->hp.n_embd * sizeof *vector);
    ph_page_store *store;

    ck_status(ph_page_store_new(&ph_libc_heap, 0, &store), PHIAL_OK);
    ck_status(ph_embed(model, pool, store, tokens, n, pooling, vector),
              PHIAL_OK);
    ck_assert_uint_eq(ph_page_store_bytes(store), 0);
    ph_page_store_free(store);
    ph_pool_free(pool);
    return vector;
}

START_TEST(vectors_equal_the_oracle_around_the_switch)
{
    ph_model *model = open_tiny((tiny_family)_i, PH_F32);
    const char *family = tiny_family_name((tiny_family)_i);
    const phial_token *tokens;
    char record[64];

    snprintf(record, sizeof record, "%s/tokens", family);
    golden_tokens(record, &tokens);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int32_t p = PHIAL_POOL_MEAN; p <= PHIAL_POOL_LAST; p++) {
            const uint32_t n = lengths[i];
            const char *name = p == PHIAL_POOL_MEAN ? "mean" : "last";
            float *got = embed(model, 2, tokens, n, p);
            const double *want;
            size_t count;
            double nmse;

            snprintf(record, sizeof record, "%s/F32/%u/%s", family, n, name);
            count = golden_doubles(record, &want);
            ck_assert_uint_eq(count, (model->hp.n_embd + GOLDEN_STEP - 1) /
                                         GOLDEN_STEP);
            nmse = golden_nmse(got, want, count);
            printf("%s F32 %u tokens, %s: NMSE %.1e to float64\n", family, n,
                   name, nmse);
            ck_assert_double_le(nmse, NMSE_FLOAT64);
            free(got);
        }
    ph_model_free(model);
}
END_TEST

START_TEST(threads_leave_no_trace)
{
    static const ph_dtype types[] = {PH_F32, PH_Q4_K, PH_Q8_0};
    enum { N = 130 };
    phial_token tokens[N];

    make_tokens(tokens, N, 3);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ph_model *model = open_tiny((tiny_family)_i, types[i]);
        const size_t bytes = model->hp.n_embd * sizeof(float);
        float *alone = embed(model, 1, tokens, N, PHIAL_POOL_MEAN);

        for (uint32_t n = 2; n <= 3; n++) {
            float *other = embed(model, n, tokens, N, PHIAL_POOL_MEAN);

            ck_assert_mem_eq(alone, other, bytes);
            free(other);
        }
        free(alone);
        ph_model_free(model);
    }
}
END_TEST

/* States of one pass over a text, and of passes over its pieces. */
static float *states_of(const ph_model *model, ph_pool *pool,
                        const phial_token *tokens, uint32_t n, uint32_t chunk)
{
    ph_sequence *seq = new_sequence(model, pool, chunk, PHIAL_CACHE_F32);
    float *states = malloc((size_t)n * model->hp.n_embd * sizeof *states);

    for (uint32_t at = 0; at < n; at += chunk) {
        ph_part part = {.sequence = seq,
                        .tokens = tokens + at,
                        .n = n - at < chunk ? n - at : chunk,
                        .rope = rope_for(model, n),
                        .states = states + (size_t)at * model->hp.n_embd};
        ph_part *parts[1] = {&part};

        ck_status(ph_forward_parts(seq, parts, 1), PHIAL_OK);
        ck_status(part.failure.status, PHIAL_OK);
    }
    ph_sequence_free(seq);
    return states;
}

START_TEST(pieces_leave_no_trace)
{
    enum { N = 70 };
    ph_model *model = open_tiny((tiny_family)_i, PH_Q8_0);
    ph_pool *pool = new_pool(2);
    phial_token tokens[N];
    float *whole, *pieces;

    make_tokens(tokens, N, 4);
    whole = states_of(model, pool, tokens, N, N);
    pieces = states_of(model, pool, tokens, N, 7);
    ck_assert_mem_eq(whole, pieces,
                     (size_t)N * model->hp.n_embd * sizeof *whole);
    free(whole);
    free(pieces);
    ph_pool_free(pool);
    ph_model_free(model);
}
END_TEST

static phial_status embed_with_norm(float value)
{
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);
    gguf_writer *w = tiny_model_build(&m);
    float *norm = malloc(m.n_embd * sizeof *norm), *out;
    const phial_token token = 1;
    ph_pool *pool = new_pool(1);
    ph_page_store *store;
    phial_status status;
    ph_model *model;

    for (uint32_t i = 0; i < m.n_embd; i++)
        norm[i] = value;
    gguf_put_tensor(w, "output_norm.weight", PH_F32, (uint64_t[]){m.n_embd}, 1,
                    norm);
    model = open_writer(w);
    out = calloc(m.n_embd, sizeof *out);
    ck_status(ph_page_store_new(&ph_libc_heap, 0, &store), PHIAL_OK);
    status = ph_embed(model, pool, store, &token, 1, PHIAL_POOL_MEAN, out);
    ck_assert(out[0] == 0);
    ph_page_store_free(store);
    ph_pool_free(pool);
    ph_model_free(model);
    free(out);
    free(norm);
    return status;
}

START_TEST(states_without_a_direction_are_refused)
{
    ck_status(embed_with_norm(NAN), PHIAL_E_NUMERIC);
    ck_status(embed_with_norm(INFINITY), PHIAL_E_NUMERIC);
    ck_status(embed_with_norm(0), PHIAL_E_NUMERIC);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "direction"));
}
END_TEST

TCase *embed_cases(void)
{
    TCase *t = tcase_create("embed");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, vectors_equal_the_oracle_around_the_switch, 0,
                        TINY_FAMILIES);
    tcase_add_loop_test(t, threads_leave_no_trace, 0, TINY_FAMILIES);
    tcase_add_loop_test(t, pieces_leave_no_trace, 0, TINY_FAMILIES);
    tcase_add_test(t, states_without_a_direction_are_refused);
    return t;
}
