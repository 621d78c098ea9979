/* SPDX-License-Identifier: MIT
 * The forward pass against the reference: Hugging Face transformers in
 * float32, and an oracle in float64 (tests/golden). */
#include "engine_cases.h"

#include <stdio.h>

static const uint32_t lengths[] = {1, 63, 64, 65, 66, 130};

/* The logits after the last of n tokens. */
static float *last_logits(const ph_model *model, const phial_token *tokens,
                          uint32_t n, int32_t cache_format)
{
    float *all =
        logits_of(model, 2, 32, cache_format, tokens, n, rope_for(model, n));

    memmove(all, all + (size_t)(n - 1) * model->hp.n_vocab,
            model->hp.n_vocab * sizeof *all);
    return all;
}

static double compare(const ph_model *model, const char *record,
                      const phial_token *tokens, uint32_t n,
                      int32_t cache_format)
{
    const double *want;
    const size_t count = golden_doubles(record, &want);
    float *got = last_logits(model, tokens, n, cache_format);
    const double nmse = golden_nmse(got, want, count);

    ck_assert_uint_eq(count,
                      (model->hp.n_vocab + GOLDEN_STEP - 1) / GOLDEN_STEP);
    free(got);
    return nmse;
}

START_TEST(float_weights_equal_the_reference_around_the_switch)
{
    ph_model *model = open_tiny((tiny_family)_i, PH_F32);
    const char *family = tiny_family_name((tiny_family)_i);
    const phial_token *tokens;
    char record[64];

    snprintf(record, sizeof record, "%s/tokens", family);
    golden_tokens(record, &tokens);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const uint32_t n = lengths[i];
        const float *theirs;
        float *got = last_logits(model, tokens, n, PHIAL_CACHE_F32);
        size_t count;
        double truth, hf;

        snprintf(record, sizeof record, "%s/F32/%u/float64", family, n);
        truth = compare(model, record, tokens, n, PHIAL_CACHE_F32);
        snprintf(record, sizeof record, "%s/F32/%u/transformers", family, n);
        count = golden_floats(record, &theirs);
        hf = golden_nmse_floats(got, theirs, count);
        printf("%s F32 %u tokens: NMSE %.1e to float64, %.1e to "
               "transformers\n",
               family, n, truth, hf);
        ck_assert_double_le(truth, NMSE_FLOAT64);
        ck_assert_double_le(hf, NMSE_TRANSFORMERS);
        free(got);
    }
    ph_model_free(model);
}
END_TEST

START_TEST(half_precision_weights_equal_the_oracle_with_the_same_weights)
{
    static const ph_dtype types[] = {PH_F16, PH_BF16};

    for (int f = 0; f < TINY_FAMILIES; f++) {
        const char *family = tiny_family_name((tiny_family)f);
        ph_model *model = open_tiny((tiny_family)f, types[_i]);
        const char *type = ph_dtype_get((uint32_t)types[_i])->name;
        const phial_token *tokens;
        char record[64];
        double nmse;

        snprintf(record, sizeof record, "%s/tokens", family);
        golden_tokens(record, &tokens);
        snprintf(record, sizeof record, "%s/%s/65/float64", family, type);
        nmse = compare(model, record, tokens, 65, PHIAL_CACHE_F32);
        printf("%s %s 65 tokens: NMSE %.1e to float64\n", family, type, nmse);
        ck_assert_double_le(nmse, NMSE_FLOAT64);
        ph_model_free(model);
    }
}
END_TEST

/* What the cache's rounding costs: at least something, or it is not in use. */
START_TEST(a_smaller_cache_costs_what_its_rounding_costs)
{
    static const struct {
        int32_t format;
        const char *name;
        double least, most;
    } caches[] = {{PHIAL_CACHE_F16, "F16", 1e-9, 2e-6},
                  {PHIAL_CACHE_Q8, "Q8", 1e-5, 5e-4}};
    const char *family = tiny_family_name((tiny_family)_i);
    ph_model *model = open_tiny((tiny_family)_i, PH_F32);
    const phial_token *tokens;
    char record[64];
    double nmse;

    snprintf(record, sizeof record, "%s/tokens", family);
    golden_tokens(record, &tokens);
    snprintf(record, sizeof record, "%s/F32/130/float64", family);
    for (int i = 0; i < 2; i++) {
        nmse = compare(model, record, tokens, 130, caches[i].format);
        printf("%s F32, %s cache: NMSE %.1e to float64\n", family,
               caches[i].name, nmse);
        ck_assert_double_le(nmse, caches[i].most);
        ck_assert_double_ge(nmse, caches[i].least);
    }
    ph_model_free(model);
}
END_TEST

/* Integer activations make the pass chaotic: two correct ones differ by what
 * rounding to 8 bits costs. */
START_TEST(quantised_weights_agree_with_the_oracle_statistically)
{
    static const ph_dtype types[] = {PH_Q4_0, PH_Q4_1, PH_Q5_0,   PH_Q5_1,
                                     PH_Q8_0, PH_Q2_K, PH_Q3_K,   PH_Q4_K,
                                     PH_Q5_K, PH_Q6_K, PH_IQ4_NL, PH_IQ4_XS};
    static const uint32_t steps[] = {1, 8, 40};
    ph_model *model = open_tiny(TINY_PHI4, types[_i]);
    const char *type = ph_dtype_get((uint32_t)types[_i])->name;
    const phial_token *tokens;
    double sum = 0;

    golden_tokens("phi-4/tokens", &tokens);
    for (int i = 0; i < 3; i++) {
        char record[64];

        snprintf(record, sizeof record, "phi-4/%s/%u/float64", type, steps[i]);
        sum += compare(model, record, tokens, steps[i], PHIAL_CACHE_F32);
    }
    printf("phi-4 %s: mean NMSE %.1e to float64\n", type, sum / 3);
    ck_assert_double_le(sum / 3, 1e-3);
    ck_assert_double_ge(sum / 3, 1e-7); /* or nothing was rounded */
    ph_model_free(model);
}
END_TEST

static phial_token likeliest(const float *logits, uint32_t n)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < n; i++)
        best = logits[i] > logits[best] ? i : best;
    return (phial_token)best;
}

/* As the reference generates: short factors while the sequence fits; on
 * crossing, everything once more with long ones. */
START_TEST(greedy_text_equals_the_reference_across_the_switch)
{
    enum { PROMPT = 50, MAX = 128 };
    ph_model *model = open_tiny((tiny_family)_i, PH_F32);
    ph_pool *pool = new_pool(2);
    ph_sequence *seq = new_sequence(model, pool, MAX, PHIAL_CACHE_F32);
    float *logits = malloc(model->hp.n_vocab * sizeof *logits);
    const phial_token *prompt, *want;
    phial_token tokens[MAX];
    char record[64];
    size_t n_greedy;
    uint32_t n = PROMPT, done = 0;

    snprintf(record, sizeof record, "%s/tokens",
             tiny_family_name((tiny_family)_i));
    golden_tokens(record, &prompt);
    memcpy(tokens, prompt, PROMPT * sizeof *tokens);
    snprintf(record, sizeof record, "%s/greedy",
             tiny_family_name((tiny_family)_i));
    n_greedy = golden_tokens(record, &want);
    for (size_t i = 0; i < n_greedy; i++) {
        if (done > 0 && rope_for(model, n) != rope_for(model, done)) {
            ph_sequence_truncate(seq, 0);
            done = 0;
        }
        ck_status(ph_sequence_forward(seq, tokens + done, n - done,
                                      rope_for(model, n), PH_LOGITS_LAST,
                                      logits, NULL),
                  PHIAL_OK);
        done = n;
        tokens[n++] = likeliest(logits, model->hp.n_vocab);
        ck_assert_int_eq(tokens[n - 1], want[i]);
    }
    free(logits);
    ph_sequence_free(seq);
    ph_pool_free(pool);
    ph_model_free(model);
}
END_TEST

TCase *golden_cases(void)
{
    TCase *t = tcase_create("golden");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, float_weights_equal_the_reference_around_the_switch,
                        0, TINY_FAMILIES);
    tcase_add_loop_test(
        t, half_precision_weights_equal_the_oracle_with_the_same_weights, 0, 2);
    tcase_add_loop_test(t, a_smaller_cache_costs_what_its_rounding_costs, 0,
                        TINY_FAMILIES);
    tcase_add_loop_test(
        t, quantised_weights_agree_with_the_oracle_statistically, 0, 12);
    tcase_add_loop_test(t, greedy_text_equals_the_reference_across_the_switch,
                        0, TINY_FAMILIES);
    return t;
}
