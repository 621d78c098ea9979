/* SPDX-License-Identifier: MIT
 * sampling: the choice of a token and the penalties, by definition. */
#include "sampling_tests.h"

#include <math.h>

START_TEST(greedy_takes_the_lowest_id_of_the_largest)
{
    static const float tie[] = {1, 3, 2, 3};
    static const float zeros[] = {-1, -0.0f, 0.0f};
    ph_sampler *four = make_sampler(4, NULL, (phial_sampling){0});
    ph_sampler *three = make_sampler(3, NULL, (phial_sampling){0});

    ck_assert_int_eq(pick(four, tie, 0), 1);
    ck_assert_int_eq(pick(three, zeros, 0), 1);
    ph_sampler_free(four);
    ph_sampler_free(three);
}
END_TEST

START_TEST(greedy_finds_the_largest_wherever_it_is)
{
    static float logits[1000];

    for (uint32_t n = 1; n <= 1000; n += n < 70 ? 1 : 93) {
        ph_sampler *sampler = make_sampler(n, NULL, (phial_sampling){0});

        for (uint32_t i = 0; i < n; i++) {
            logits[i] = 1;
            ck_assert_int_eq(pick(sampler, logits, 0), (phial_token)i);
            logits[i] = 0;
        }
        ph_sampler_free(sampler);
    }
}
END_TEST

START_TEST(a_single_token_is_always_chosen)
{
    static const float logits[] = {-1000};
    phial_sampling params[] = {
        {0},
        {.temperature = 1},
        {.temperature = 1e-30f, .top_p = 0.5f},
        {.temperature = 2, .top_k = 1},
        {.temperature = 2, .top_k = 9, .top_p = 1e-9f, .min_p = 1},
    };

    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        ph_sampler *sampler = make_sampler(1, NULL, params[i]);

        ck_assert_int_eq(pick(sampler, logits, i), 0);
        ph_sampler_free(sampler);
    }
}
END_TEST

START_TEST(logits_that_are_no_numbers_are_refused)
{
    static const float bad[] = {NAN, -NAN, INFINITY};
    static float logits[130];
    phial_sampling params[] = {{0}, {.temperature = 1, .top_k = 5}};

    for (size_t k = 0; k < 2; k++) {
        ph_sampler *sampler = make_sampler(130, NULL, params[k]);

        for (size_t i = 0; i < 3 * 130; i++) {
            phial_token token = 77;
            float logprob = 5;

            logits[i % 130] = bad[i / 130];
            ck_status(ph_sampler_pick(sampler, logits, NULL, 0, 0, 0, &token,
                                      &logprob),
                      PHIAL_E_NUMERIC);
            ck_assert(token == 77 && logprob == 5);
            logits[i % 130] = 0;
        }
        ck_assert_int_eq(pick(sampler, logits, 0), pick(sampler, logits, 0));
        ph_sampler_free(sampler);
    }
}
END_TEST

START_TEST(nothing_to_choose_from_is_an_error)
{
    static float logits[100];
    static const uint64_t all[2] = {UINT64_MAX, UINT64_MAX};
    ph_sampler *sampler = make_sampler(100, NULL, (phial_sampling){0});
    phial_token token = 77;

    for (size_t i = 0; i < 100; i++)
        logits[i] = -INFINITY;
    ck_status(ph_sampler_pick(sampler, logits, NULL, 0, 0, 0, &token, NULL),
              PHIAL_E_NUMERIC);
    logits[99] = -3e38f;
    ck_assert_int_eq(pick(sampler, logits, 0), 99);
    ph_sampler_free(sampler);
    sampler = make_sampler(100, all, (phial_sampling){.temperature = 1});
    ck_status(ph_sampler_pick(sampler, logits, NULL, 0, 0, 0, &token, NULL),
              PHIAL_E_STATE);
    ck_assert_int_eq(token, 77);
    ph_sampler_free(sampler);
}
END_TEST

START_TEST(a_banned_token_is_never_chosen)
{
    static float logits[200];
    uint64_t banned[4];
    const phial_token id = 150;
    const float ban = -INFINITY;

    for (uint32_t only = 0; only < 200; only += 7) {
        phial_sampling params = {.temperature = 5};
        ph_sampler *sampler;

        memset(banned, 0xff, sizeof banned);
        banned[only / 64] &= ~(UINT64_C(1) << only % 64);
        sampler = make_sampler(200, banned, params);
        for (uint64_t step = 0; step < 20; step++)
            ck_assert_int_eq(pick(sampler, logits, step), (phial_token)only);
        ph_sampler_free(sampler);
    }
    for (int greedy = 0; greedy < 2; greedy++) {
        phial_sampling params = {.temperature = greedy ? 0 : 1,
                                 .bias_tokens = &id,
                                 .bias_values = &ban,
                                 .n_bias = 1};
        ph_sampler *sampler = make_sampler(200, NULL, params);

        logits[150] = 20;
        for (uint64_t step = 0; step < 20; step++)
            ck_assert_int_ne(pick(sampler, logits, step), 150);
        ph_sampler_free(sampler);
    }
}
END_TEST

START_TEST(logprob_is_that_of_the_raw_logits)
{
    static const float logits[] = {0, 1, 2, 3};
    const phial_token id = 0;
    const float force = 100;
    double sum = exp(0) + exp(1) + exp(2) + exp(3);
    phial_sampling params = {.temperature = 3,
                             .top_k = 2,
                             .repeat_penalty = 2,
                             .bias_tokens = &id,
                             .bias_values = &force,
                             .n_bias = 1};
    ph_sampler *sampler = make_sampler(4, NULL, params);
    phial_token token;
    float logprob;

    ck_status(ph_sampler_pick(sampler, logits, NULL, 0, 0, 0, &token, &logprob),
              PHIAL_OK);
    ck_assert_int_eq(token, 0);
    ck_assert_double_eq_tol((double)logprob, -log(sum), 1e-6);
    ph_sampler_free(sampler);
}
END_TEST

/* A greedy pick shows the order of two logits: finds by bisection the value of
 * a rival (token 1) at which the pick changes: the adjusted logit of token 0.
 */
static float adjusted_logit(phial_sampling params, float logit,
                            const phial_token *history, size_t n,
                            size_t n_input)
{
    ph_sampler *sampler = make_sampler(2, NULL, params);
    float low = -1000, high = 1000;

    while (nextafterf(low, high) < high) {
        float middle = low + (high - low) / 2;
        float logits[2] = {logit, middle};
        phial_token token;

        if (middle == low || middle == high)
            break;
        ck_status(ph_sampler_pick(sampler, logits, history, n, n_input, 0,
                                  &token, NULL),
                  PHIAL_OK);
        if (token == 0)
            low = middle;
        else
            high = middle;
    }
    ph_sampler_free(sampler);
    return low;
}

START_TEST(penalties_follow_their_definitions)
{
    /* token 0 twice in the input, three times in the output; 5 elsewhere */
    static const phial_token history[] = {0, 5, 0, 5, 0, 5, 0, 0, 5};
    phial_sampling repeat = {.repeat_penalty = 2};
    phial_sampling presence = {.presence_penalty = 0.5f};
    phial_sampling frequency = {.frequency_penalty = 0.25f};
    phial_sampling all = {.repeat_penalty = 2,
                          .presence_penalty = 0.5f,
                          .frequency_penalty = 0.25f};

    ck_assert_float_eq(adjusted_logit(repeat, 4, history, 9, 4), 2);
    ck_assert_float_eq(adjusted_logit(repeat, -4, history, 9, 4), -8);
    ck_assert_float_eq(adjusted_logit(repeat, 4, history, 0, 0), 4);
    ck_assert_float_eq(adjusted_logit(presence, 4, history, 9, 4), 3.5f);
    ck_assert_float_eq(adjusted_logit(presence, 4, history, 9, 8), 4);
    ck_assert_float_eq(adjusted_logit(frequency, 4, history, 9, 4), 3.25f);
    ck_assert_float_eq(adjusted_logit(frequency, 4, history, 9, 0), 2.75f);
    ck_assert_float_eq(adjusted_logit(all, 4, history, 9, 4), 0.75f);
}
END_TEST

START_TEST(the_penalty_window_limits_all_penalties)
{
    static const phial_token history[] = {0, 5, 0, 5, 0, 5, 0, 0, 5};
    phial_sampling p = {.repeat_penalty = 2, .penalty_window = 1};

    ck_assert_float_eq(adjusted_logit(p, 4, history, 9, 4), 4);
    p.penalty_window = 2;
    ck_assert_float_eq(adjusted_logit(p, 4, history, 9, 4), 2);
    p = (phial_sampling){.frequency_penalty = 1, .penalty_window = 3};
    ck_assert_float_eq(adjusted_logit(p, 4, history, 9, 4), 2);
    ck_assert_float_eq(adjusted_logit(p, 4, history, 9, 7), 3);
    p.penalty_window = 1000;
    ck_assert_float_eq(adjusted_logit(p, 4, history, 9, 4), 1);
}
END_TEST

START_TEST(bias_comes_before_the_penalties_and_adds_up)
{
    static const phial_token history[] = {0};
    static const phial_token ids[] = {0, 0};
    static const float values[] = {1, 5};
    phial_sampling p = {.repeat_penalty = 2,
                        .bias_tokens = ids,
                        .bias_values = values,
                        .n_bias = 2};

    ck_assert_float_eq(adjusted_logit(p, -4, history, 1, 1), 1);
}
END_TEST

START_TEST(extreme_logits_survive_the_penalties)
{
    static const float logits[] = {3.4e38f, -3.4e38f, -INFINITY, 0};
    static const phial_token history[] = {0, 1, 2, 3, 99, -1, INT32_MAX};
    static const float factors[] = {0.01f, 100};

    for (size_t i = 0; i < 2; i++) {
        phial_sampling p = {.temperature = 1,
                            .repeat_penalty = factors[i],
                            .presence_penalty = -100,
                            .frequency_penalty = -100};
        ph_sampler *sampler = make_sampler(4, NULL, p);
        phial_token token;

        ck_status(
            ph_sampler_pick(sampler, logits, history, 7, 0, 0, &token, NULL),
            PHIAL_OK);
        ck_assert_int_eq(token, 0);
        ph_sampler_free(sampler);
    }
}
END_TEST

TCase *pick_tests(void)
{
    TCase *t = tcase_create("pick");

    tcase_add_test(t, greedy_takes_the_lowest_id_of_the_largest);
    tcase_add_test(t, greedy_finds_the_largest_wherever_it_is);
    tcase_add_test(t, a_single_token_is_always_chosen);
    tcase_add_test(t, logits_that_are_no_numbers_are_refused);
    tcase_add_test(t, nothing_to_choose_from_is_an_error);
    tcase_add_test(t, a_banned_token_is_never_chosen);
    tcase_add_test(t, logprob_is_that_of_the_raw_logits);
    tcase_add_test(t, penalties_follow_their_definitions);
    tcase_add_test(t, the_penalty_window_limits_all_penalties);
    tcase_add_test(t, bias_comes_before_the_penalties_and_adds_up);
    tcase_add_test(t, extreme_logits_survive_the_penalties);
    tcase_set_timeout(t, 120);
    return t;
}
