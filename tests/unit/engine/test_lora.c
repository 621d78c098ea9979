/* SPDX-License-Identifier: MIT
 * Adapters in the forward pass: the numbers of merged weights, and the same
 * bits however they are computed. */
#include "engine_cases.h"
#include "tiny_adapter.h"

#include <math.h>
#include <stdio.h>

enum { N = 70, MAX_SET = 2 };

typedef struct set {
    size_t n;
    const ph_adapter *adapters[MAX_SET];
    float scales[MAX_SET];
} set;

/* The caller frees them. */
static float *adapted(const ph_model *model, const set *s, uint32_t n_threads,
                      uint32_t chunk, const phial_token *tokens)
{
    ph_pool *pool = new_pool(n_threads);
    ph_sequence *seq = new_sequence(model, pool, chunk, PHIAL_CACHE_F32);
    float *logits = malloc((size_t)N * model->hp.n_vocab * sizeof *logits);

    ck_status(ph_sequence_set_adapters(seq, s->adapters, s->scales, s->n),
              PHIAL_OK);
    run_all(model, seq, tokens, N, chunk, rope_for(model, N), logits);
    ph_sequence_free(seq);
    ph_pool_free(pool);
    return logits;
}

static float *plain(const ph_model *model, const phial_token *tokens)
{
    return logits_of(model, 1, N, PHIAL_CACHE_F32, tokens, N,
                     rope_for(model, N));
}

static bool same_bits(const ph_model *model, const float *a, const float *b)
{
    return memcmp(a, b, (size_t)N * model->hp.n_vocab * sizeof *a) == 0;
}

/* Mean squared difference over mean square. */
static double apart(const ph_model *model, const float *a, const float *b)
{
    double sum = 0, square = 0;

    for (size_t i = 0; i < (size_t)N * model->hp.n_vocab; i++) {
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        square += (double)b[i] * (double)b[i];
    }
    return sum / square;
}

/* ---- The numbers ------------------------------------------------------- */

static const uint32_t all_modules[] = {
    TINY_LORA_Q,    TINY_LORA_K,     TINY_LORA_V,     TINY_LORA_QKV,
    TINY_LORA_OUT,  TINY_LORA_GATE,  TINY_LORA_UP,    TINY_LORA_GATE_UP,
    TINY_LORA_DOWN, TINY_LORA_FUSED, TINY_LORA_SPLIT,
};
static const uint32_t ranks[] = {1, 7, 16, 40};

enum {
    N_MODULES = sizeof all_modules / sizeof *all_modules,
    N_RANKS = sizeof ranks / sizeof *ranks
};

START_TEST(an_adapter_is_what_merged_weights_are)
{
    const tiny_family family = (tiny_family)(_i % TINY_FAMILIES);
    const tiny_model m = tiny_model_of(family, PH_F32, 1);
    tiny_adapter a = tiny_adapter_of(family, ranks[_i / N_MODULES], 5);
    gguf_writer *w = tiny_model_build(&m);
    ph_model *model = open_tiny(family, PH_F32), *merged;
    phial_token tokens[N];
    set s = {.n = 1, .scales = {0.75f}};
    ph_adapter *adapter;
    float *got, *want, *without;

    a.modules = all_modules[_i % N_MODULES];
    a.alpha *= 1.25f;
    tiny_adapter_merge(&a, 0.75, w);
    merged = open_writer(w);
    adapter = open_adapter(model, &a, 1);
    s.adapters[0] = adapter;
    make_tokens(tokens, N, 3);
    got = adapted(model, &s, 2, 23, tokens);
    want = plain(merged, tokens);
    without = plain(model, tokens);
    ck_assert_double_le(apart(model, got, want), 1e-11);
    ck_assert_double_ge(apart(model, without, want), 1e-4);
    free(got);
    free(want);
    free(without);
    ph_adapter_free(adapter);
    ph_model_free(merged);
    ph_model_free(model);
}
END_TEST

START_TEST(two_adapters_add_up)
{
    const tiny_family family = (tiny_family)_i;
    const tiny_model m = tiny_model_of(family, PH_F32, 1);
    tiny_adapter a = tiny_adapter_of(family, 8, 5);
    tiny_adapter b = tiny_adapter_of(family, 3, 6);
    gguf_writer *w = tiny_model_build(&m);
    ph_model *model = open_tiny(family, PH_F32), *merged;
    phial_token tokens[N];
    ph_adapter *first, *second;
    float *got, *want;
    set s = {.n = 2, .scales = {0.5f, -1.5f}};

    b.modules = TINY_LORA_K | TINY_LORA_UP | TINY_LORA_OUT;
    tiny_adapter_merge(&a, 0.5, w);
    tiny_adapter_merge(&b, -1.5, w);
    merged = open_writer(w);
    s.adapters[0] = first = open_adapter(model, &a, 1);
    s.adapters[1] = second = open_adapter(model, &b, 2);
    make_tokens(tokens, N, 3);
    got = adapted(model, &s, 3, N, tokens);
    want = plain(merged, tokens);
    ck_assert_double_le(apart(model, got, want), 1e-11);
    free(got);
    free(want);
    ph_adapter_free(first);
    ph_adapter_free(second);
    ph_model_free(merged);
    ph_model_free(model);
}
END_TEST

/* W_down of every layer in Q8_0, or the floats that this stands for. */
static ph_model *open_with_down(bool as_floats)
{
    const tiny_model m = tiny_model_of(TINY_PHI35, PH_F32, 1);
    const uint64_t dims[] = {m.n_ff, m.n_embd};
    const size_t n = (size_t)m.n_ff * m.n_embd;
    gguf_writer *w = tiny_model_build(&m);
    float *floats = malloc(n * sizeof *floats);

    for (uint32_t layer = 0; layer < m.n_layers; layer++) {
        uint8_t *blocks =
            tiny_weights(PH_Q8_0, m.n_embd, m.n_ff, 0.06f, 7 + layer);
        char name[32];

        snprintf(name, sizeof name, "blk.%u.ffn_down.weight", layer);
        ph_dequantize(PH_Q8_0, blocks, floats, n);
        if (as_floats)
            gguf_put_tensor(w, name, PH_F32, dims, 2, floats);
        else
            gguf_put_tensor(w, name, PH_Q8_0, dims, 2, blocks);
        free(blocks);
    }
    free(floats);
    return open_writer(w);
}

/* What W_down reads is in int8 then, what the adapter reads is not: its effect
 * is about that beside the same weights as floats. */
START_TEST(down_has_floats_beside_codes)
{
    tiny_adapter a = tiny_adapter_of(TINY_PHI35, 16, 5);
    ph_model *models[2];
    phial_token tokens[N];
    float *with[2], *without[2];
    double sum = 0, square = 0;

    a.modules = TINY_LORA_DOWN;
    make_tokens(tokens, N, 3);
    for (int i = 0; i < 2; i++) {
        set s = {.n = 1, .scales = {1}};
        ph_adapter *adapter;

        models[i] = open_with_down(i == 1);
        s.adapters[0] = adapter = open_adapter(models[i], &a, 1);
        with[i] = adapted(models[i], &s, 2, N, tokens);
        without[i] = plain(models[i], tokens);
        ph_adapter_free(adapter);
    }
    for (size_t i = 0; i < (size_t)N * models[0]->hp.n_vocab; i++) {
        const double one = (double)with[0][i] - (double)without[0][i];
        const double two = (double)with[1][i] - (double)without[1][i];

        sum += (one - two) * (one - two);
        square += two * two;
    }
    ck_assert_double_gt(square, 0);
    ck_assert_double_le(sum / square, 0.01);
    for (int i = 0; i < 2; i++) {
        free(with[i]);
        free(without[i]);
        ph_model_free(models[i]);
    }
}
END_TEST

/* ---- The bits ---------------------------------------------------------- */

START_TEST(bits_depend_on_no_thread_batch_or_instruction_set)
{
    static const int32_t sets[] = {PHIAL_ISA_PORTABLE, PHIAL_ISA_AVX2,
                                   PHIAL_ISA_AVX512, PHIAL_ISA_NEON};
    static const ph_dtype types[] = {PH_F32, PH_Q4_K, PH_Q8_0};
    const tiny_family family = (tiny_family)(_i % TINY_FAMILIES);
    const tiny_adapter a = tiny_adapter_of(family, 7, 5);
    ph_model *model = open_tiny(family, types[_i % 3]);
    ph_adapter *adapter = open_adapter(model, &a, 1);
    const set s = {1, {adapter}, {1}};
    phial_token tokens[N];
    float *want;

    make_tokens(tokens, N, 3);
    want = adapted(model, &s, 1, N, tokens);
    for (size_t isa = 0; isa < sizeof sets / sizeof *sets; isa++) {
        const ph_kernels *kernels = ph_kernels_get(sets[isa]);

        if (!kernels)
            continue;
        model->kernels = kernels;
        for (uint32_t threads = 1; threads <= 3; threads++) {
            float *got = adapted(model, &s, threads,
                                 threads == 2 ? 1 : 5 * threads + 4, tokens);

            ck_assert_msg(same_bits(model, got, want),
                          "other bits with %s and %u threads", kernels->name,
                          threads);
            free(got);
        }
    }
    free(want);
    ph_adapter_free(adapter);
    ph_model_free(model);
}
END_TEST

START_TEST(a_scale_of_zero_changes_no_bit)
{
    const tiny_adapter a = tiny_adapter_of(TINY_PHI4, 7, 5);
    ph_model *model = open_tiny(TINY_PHI4, _i ? PH_Q4_K : PH_F32);
    ph_adapter *adapter = open_adapter(model, &a, 1);
    const set s = {2, {adapter, adapter}, {0, -0.0f}};
    phial_token tokens[N];
    float *got, *want;

    make_tokens(tokens, N, 3);
    got = adapted(model, &s, 2, 9, tokens);
    want = plain(model, tokens);
    ck_assert(same_bits(model, got, want));
    free(got);
    free(want);
    ph_adapter_free(adapter);
    ph_model_free(model);
}
END_TEST

/* Sequences without, with one, with both and with the same adapters in one
 * pass after another, all in the buffers of the first. */
START_TEST(sequences_with_other_adapters_do_not_disturb_each_other)
{
    enum { SEQS = 5, BATCH = 40, CHUNK = 7 };
    const tiny_adapter t[2] = {tiny_adapter_of(TINY_PHI4, 7, 5),
                               tiny_adapter_of(TINY_PHI4, 33, 6)};
    ph_model *model = open_tiny(TINY_PHI4, _i ? PH_Q4_K : PH_F32);
    ph_pool *pool = new_pool(1 + (uint32_t)_i);
    ph_adapter *a = open_adapter(model, &t[0], 1);
    ph_adapter *b = open_adapter(model, &t[1], 2);
    const set sets[SEQS] = {{0},
                            {1, {a}, {1}},
                            {1, {a}, {1}},
                            {2, {b, a}, {1, 0.5f}},
                            {1, {a}, {-2}}};
    phial_token tokens[SEQS][N];
    ph_sequence *seqs[SEQS];
    float *want[SEQS], *got[SEQS];
    ph_part parts[SEQS], *list[SEQS];

    for (int i = 0; i < SEQS; i++) {
        make_tokens(tokens[i], N, 3 + (uint64_t)i);
        want[i] = adapted(model, &sets[i], 1, N, tokens[i]);
        got[i] = malloc((size_t)N * model->hp.n_vocab * sizeof **got);
        /* Runs of sequences fill the buffers of one of them, or do not. */
        seqs[i] = new_sequence(model, pool, i ? CHUNK : BATCH, PHIAL_CACHE_F32);
        ck_status(ph_sequence_set_adapters(seqs[i], sets[i].adapters,
                                           sets[i].scales, sets[i].n),
                  PHIAL_OK);
    }
    for (uint32_t at = 0; at < N; at += CHUNK) {
        for (int i = 0; i < SEQS; i++) {
            parts[i] =
                (ph_part){.sequence = seqs[i],
                          .tokens = tokens[i] + at,
                          .n = CHUNK,
                          .want = PH_LOGITS_ALL,
                          .logits = got[i] + (size_t)at * model->hp.n_vocab};
            list[i] = &parts[i];
        }
        ck_status(ph_forward_parts(seqs[0], list, SEQS), PHIAL_OK);
    }
    for (int i = 0; i < SEQS; i++) {
        ck_assert_msg(same_bits(model, got[i], want[i]), "sequence %d", i);
        for (int j = 0; j < i; j++)
            ck_assert(!same_bits(model, got[i], got[j]));
    }
    for (int i = 0; i < SEQS; i++) {
        ph_sequence_free(seqs[i]);
        free(want[i]);
        free(got[i]);
    }
    ph_adapter_free(a);
    ph_adapter_free(b);
    ph_pool_free(pool);
    ph_model_free(model);
}
END_TEST

TCase *lora_cases(void)
{
    TCase *t = tcase_create("lora");

    tcase_set_timeout(t, 240);
    tcase_add_loop_test(t, an_adapter_is_what_merged_weights_are, 0,
                        N_MODULES * N_RANKS);
    tcase_add_loop_test(t, two_adapters_add_up, 0, TINY_FAMILIES);
    tcase_add_test(t, down_has_floats_beside_codes);
    tcase_add_loop_test(t, bits_depend_on_no_thread_batch_or_instruction_set, 0,
                        2 * TINY_FAMILIES);
    tcase_add_loop_test(t, a_scale_of_zero_changes_no_bit, 0, 2);
    tcase_add_loop_test(
        t, sequences_with_other_adapters_do_not_disturb_each_other, 0, 2);
    return t;
}
