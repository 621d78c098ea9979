/* SPDX-License-Identifier: MIT
 * sampling: settings, the random generator, log probabilities. */
#include "sampling/exp_down.h"
#include "sampling/philox.h"
#include "sampling_tests.h"

#include <math.h>

ph_sampler *make_sampler(uint32_t n_vocab, const uint64_t *banned,
                         phial_sampling params)
{
    ph_sampler *sampler = NULL;

    if (!(params.flags & PHIAL_SAMPLING_SEEDED))
        params.seed = 1;
    params.flags |= PHIAL_SAMPLING_SEEDED;
    ck_status(ph_sampler_new(&ph_libc_heap, n_vocab, banned, &sampler),
              PHIAL_OK);
    ck_status(ph_sampler_set(sampler, &params), PHIAL_OK);
    return sampler;
}

phial_token pick(ph_sampler *sampler, const float *logits, uint64_t step)
{
    phial_token token = PHIAL_NO_TOKEN;

    /* millions of times: Check takes note of each assertion that holds */
    if (ph_sampler_pick(sampler, logits, NULL, 0, 0, step, &token, NULL) < 0)
        ck_abort_msg("%s", ph_error_text());
    return token;
}

uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

double next_uniform(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

double next_normal(uint64_t *state)
{
    double radius = sqrt(-2 * log(1 - next_uniform(state)));

    return radius * cos(6.283185307179586 * next_uniform(state));
}

/* From the authors' distribution, Random123: kat_vectors. */
START_TEST(philox_gives_the_published_vectors)
{
    static const uint32_t cases[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
         0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
         0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    uint32_t out[4];

    for (size_t i = 0; i < 3; i++) {
        ph_philox(cases[i], cases[i] + 4, out);
        ck_assert_mem_eq(out, cases[i] + 6, sizeof out);
    }
    ck_assert_uint_eq(ph_random_bits(0, 0), UINT64_C(0xe169c58d6627e8d5));
}
END_TEST

/* Sets one field of otherwise good settings and expects the status, and in the
 * sentence the field's name. */
static void expect(phial_sampling params, phial_status status,
                   const char *sentence)
{
    ph_sampler *sampler;

    ck_status(ph_sampler_new(&ph_libc_heap, 100, NULL, &sampler), PHIAL_OK);
    ck_status(ph_sampler_set(sampler, &params), status);
    if (status < 0)
        ck_assert_msg(strstr(ph_error_text(), sentence) != NULL,
                      "\"%s\" is not in \"%s\"", sentence, ph_error_text());
    ph_sampler_free(sampler);
}

#define EXPECT(field, value, status)                                           \
    expect((phial_sampling){.field = (value)}, status, "sampling." #field)

START_TEST(each_setting_is_held_to_its_range)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, -1, 1e38f};
    static const float tiny = 1e-45f;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT(temperature, bad[i], PHIAL_E_ARGUMENT);
        EXPECT(top_p, bad[i], PHIAL_E_ARGUMENT);
        EXPECT(min_p, bad[i], PHIAL_E_ARGUMENT);
        EXPECT(repeat_penalty, bad[i], PHIAL_E_ARGUMENT);
        if (bad[i] != -1) {
            EXPECT(presence_penalty, bad[i], PHIAL_E_ARGUMENT);
            EXPECT(frequency_penalty, bad[i], PHIAL_E_ARGUMENT);
        }
    }
    EXPECT(temperature, 100, PHIAL_OK);
    EXPECT(temperature, tiny, PHIAL_OK);
    EXPECT(temperature, nextafterf(100, 101), PHIAL_E_ARGUMENT);
    EXPECT(temperature, -tiny, PHIAL_E_ARGUMENT);
    EXPECT(temperature, -0.0f, PHIAL_OK);
    EXPECT(top_p, 1, PHIAL_OK);
    EXPECT(top_p, nextafterf(1, 2), PHIAL_E_ARGUMENT);
    EXPECT(min_p, 1, PHIAL_OK);
    EXPECT(min_p, nextafterf(1, 2), PHIAL_E_ARGUMENT);
    EXPECT(repeat_penalty, 0.01f, PHIAL_OK);
    EXPECT(repeat_penalty, 0.009f, PHIAL_E_ARGUMENT);
    EXPECT(presence_penalty, -100, PHIAL_OK);
    EXPECT(frequency_penalty, 100.5f, PHIAL_E_ARGUMENT);
    EXPECT(flags, 1U << 31, PHIAL_E_UNSUPPORTED);
    EXPECT(flags, 7, PHIAL_OK);
    EXPECT(top_k, UINT32_MAX, PHIAL_OK);
    EXPECT(penalty_window, UINT32_MAX, PHIAL_OK);
}
END_TEST

static void expect_bias(phial_token id, float value, size_t n,
                        phial_status status, const char *sentence)
{
    phial_token ids[1024];
    float values[1024];
    phial_sampling params = {
        .bias_tokens = ids, .bias_values = values, .n_bias = n};

    for (size_t i = 0; i < 1024; i++) {
        ids[i] = id;
        values[i] = value;
    }
    expect(params, status, sentence);
}

START_TEST(biases_are_held_to_their_range)
{
    expect_bias(99, 100, 1024, PHIAL_OK, "");
    expect_bias(0, -INFINITY, 1, PHIAL_OK, "");
    expect_bias(0, 0, 1025, PHIAL_E_ARGUMENT, "n_bias is 1025, at most 1024");
    expect_bias(0, 0, SIZE_MAX, PHIAL_E_ARGUMENT, "n_bias");
    expect_bias(100, 0, 3, PHIAL_E_ARGUMENT, "bias_tokens[0] is 100");
    expect_bias(-1, 0, 3, PHIAL_E_ARGUMENT, "bias_tokens[0] is -1");
    expect_bias(INT32_MIN, 0, 3, PHIAL_E_ARGUMENT, "bias_tokens[0]");
    expect_bias(0, NAN, 1, PHIAL_E_ARGUMENT, "bias_values[0]");
    expect_bias(0, INFINITY, 1, PHIAL_E_ARGUMENT, "bias_values[0]");
    expect_bias(0, 1001, 1, PHIAL_E_ARGUMENT, "bias_values[0]");
    expect_bias(0, -1001, 1, PHIAL_E_ARGUMENT, "bias_values[0]");
    expect((phial_sampling){.n_bias = 1}, PHIAL_E_ARGUMENT,
           "bias_tokens is NULL");
}
END_TEST

START_TEST(refused_settings_leave_the_old_ones)
{
    static const float logits[] = {1, 2, 3};
    phial_token id = 0;
    float value = 5, bad = NAN;
    phial_sampling params = {
        .bias_tokens = &id, .bias_values = &value, .n_bias = 1};
    ph_sampler *sampler = make_sampler(3, NULL, params);

    params.bias_values = &bad;
    ck_status(ph_sampler_set(sampler, &params), PHIAL_E_ARGUMENT);
    value = 0; /* it was copied */
    ck_assert_int_eq(pick(sampler, logits, 0), 0);
    ph_sampler_free(sampler);
}
END_TEST

START_TEST(a_vocabulary_is_held_to_its_range)
{
    ph_sampler *sampler = NULL;

    ck_status(ph_sampler_new(&ph_libc_heap, 0, NULL, &sampler),
              PHIAL_E_ARGUMENT);
    ck_status(ph_sampler_new(&ph_libc_heap, (1 << 20) + 1, NULL, &sampler),
              PHIAL_E_ARGUMENT);
    ck_assert_ptr_null(sampler);
    ph_sampler_free(NULL);
    ph_stops_free(NULL);
}
END_TEST

START_TEST(unseeded_samplers_differ)
{
    static const float logits[64];
    phial_sampling params = {.temperature = 1};
    ph_sampler *sampler;
    int same = 0;

    ck_status(ph_sampler_new(&ph_libc_heap, 64, NULL, &sampler), PHIAL_OK);
    for (int i = 0; i < 20; i++) {
        phial_token a, b;

        ck_status(ph_sampler_set(sampler, &params), PHIAL_OK);
        a = pick(sampler, logits, 0);
        ck_assert_int_eq(pick(sampler, logits, 0), a);
        ck_status(ph_sampler_set(sampler, &params), PHIAL_OK);
        b = pick(sampler, logits, 0);
        same += a == b;
    }
    ck_assert_int_lt(same, 10);
    ph_sampler_free(sampler);
}
END_TEST

START_TEST(log_sum_exp_agrees_with_long_double)
{
    static float logits[200064];
    uint64_t state = 7;

    for (int round = 0; round < 20; round++) {
        size_t n = round < 10 ? 1 + next_random(&state) % 100 : 200064;
        double scale = 20 * next_uniform(&state);
        long double sum = 0;
        double expected;

        for (size_t i = 0; i < n; i++) {
            logits[i] = (float)(scale * next_normal(&state));
            sum += expl((long double)logits[i]);
        }
        expected = (double)logl(sum);
        ck_assert_double_eq_tol(ph_log_sum_exp(logits, n), expected,
                                1e-12 * (50 + fabs(expected)));
    }
}
END_TEST

START_TEST(log_sum_exp_of_edge_cases)
{
    static const float none[] = {-INFINITY, -INFINITY};
    static const float one[] = {-INFINITY, 3.5f};
    static const float huge[] = {3e38f, 3e38f, -3e38f};
    static const float nan[] = {1, NAN};

    ck_assert(ph_log_sum_exp(none, 2) == -INFINITY);
    ck_assert(ph_log_sum_exp(none, 0) == -INFINITY);
    ck_assert(ph_log_sum_exp(one, 2) == 3.5);
    ck_assert(isnan(ph_log_sum_exp(nan, 2)));
    ck_assert_double_eq_tol(ph_log_sum_exp(huge, 3) / (double)3e38f, 1, 1e-12);
}
END_TEST

START_TEST(exp_for_probabilities_agrees_with_the_c_library)
{
    double worst = 0;

    for (int i = 0; i <= 600000; i++) {
        double z = -i * 1e-4, error = fabs(ph_exp_down(z) / exp(z) - 1);

        worst = error > worst ? error : worst;
    }
    ck_assert_double_lt(worst, 1e-12);
    ck_assert_double_eq(ph_exp_down(0), 1);
}
END_TEST

static const float *sort_values;

static int by_rank(const void *a, const void *b)
{
    phial_token x = *(const phial_token *)a, y = *(const phial_token *)b;

    if (sort_values[x] != sort_values[y])
        return sort_values[x] > sort_values[y] ? -1 : 1;
    return x < y ? -1 : 1;
}

START_TEST(top_k_agrees_with_a_full_sort)
{
    float logits[300], values[300];
    phial_token order[300], tokens[300];
    uint64_t state = 3;

    for (int round = 0; round < 3000; round++) {
        size_t n = 1 + next_random(&state) % 300;
        size_t k = next_random(&state) % (n + 1);

        for (size_t i = 0; i < n; i++) {
            order[i] = (phial_token)i;
            /* few distinct values in every other round */
            logits[i] = round % 2 ? (float)next_normal(&state)
                                  : (float)(next_random(&state) % 7);
            if (next_random(&state) % 50 == 0)
                logits[i] = -INFINITY;
        }
        sort_values = logits;
        qsort(order, n, sizeof *order, by_rank);
        ph_top_k(logits, n, k, tokens, values);
        ck_assert_mem_eq(tokens, order, k * sizeof *tokens);
        for (size_t i = 0; i < k; i++)
            ck_assert(values[i] == logits[tokens[i]]);
    }
}
END_TEST

START_TEST(top_k_puts_nan_last)
{
    static const float logits[] = {NAN, 1, -INFINITY, NAN, 2};
    static const phial_token expected[] = {4, 1, 2, 0, 3};
    phial_token tokens[5];
    float values[5];

    ph_top_k(logits, 5, 5, tokens, values);
    ck_assert_mem_eq(tokens, expected, sizeof tokens);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sampling");
    TCase *t = tcase_create("settings");

    tcase_add_test(t, philox_gives_the_published_vectors);
    tcase_add_test(t, each_setting_is_held_to_its_range);
    tcase_add_test(t, biases_are_held_to_their_range);
    tcase_add_test(t, refused_settings_leave_the_old_ones);
    tcase_add_test(t, a_vocabulary_is_held_to_its_range);
    tcase_add_test(t, unseeded_samplers_differ);
    tcase_add_test(t, log_sum_exp_agrees_with_long_double);
    tcase_add_test(t, log_sum_exp_of_edge_cases);
    tcase_add_test(t, exp_for_probabilities_agrees_with_the_c_library);
    tcase_add_test(t, top_k_agrees_with_a_full_sort);
    tcase_add_test(t, top_k_puts_nan_last);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    suite_add_tcase(s, pick_tests());
    suite_add_tcase(s, reference_tests());
    suite_add_tcase(s, draw_tests());
    suite_add_tcase(s, stop_tests());
    suite_add_tcase(s, memory_tests());
    return s;
}

PH_CHECK_MAIN(suite())
