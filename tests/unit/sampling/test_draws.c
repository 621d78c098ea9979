/* SPDX-License-Identifier: MIT
 * sampling: distributions of many draws, golden sequences, selection at full
 * vocabulary size. PHIAL_TEST_BENCH=1 prints the time of a pick. */
#include "sampling_tests.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { N_VOCAB = 200064, N_DRAWS = 200000 };

/* The value that chi-square with df degrees of freedom exceeds with
 * probability 1e-4, by Wilson and Hilferty's approximation. */
static double critical_value(double df)
{
    double root = 1 - 2 / (9 * df) + 3.719 * sqrt(2 / (9 * df));

    return df * root * root * root;
}

/* Draws often and compares the counts with the probabilities p, of which some
 * may be 0. */
static void expect_distribution(phial_sampling params, const float *logits,
                                const double *p, size_t n)
{
    ph_sampler *sampler = make_sampler((uint32_t)n, NULL, params);
    double counts[64] = {0}, chi = 0;
    int df = -1;

    ck_assert_uint_le(n, 64);
    for (uint64_t step = 0; step < N_DRAWS; step++)
        counts[pick(sampler, logits, step)]++;
    for (size_t i = 0; i < n; i++) {
        double expected = p[i] * N_DRAWS;

        if (p[i] == 0) {
            ck_assert_double_eq(counts[i], 0);
            continue;
        }
        ck_assert_double_gt(expected, 5);
        chi += (counts[i] - expected) * (counts[i] - expected) / expected;
        df++;
    }
    ck_assert_int_gt(df, 0);
    ck_assert_msg(chi < critical_value(df), "chi-square %.1f with %d degrees",
                  chi, df);
    ph_sampler_free(sampler);
}

/* Normalises those of the n weights for which keep has a 1. */
static void normalise(double *p, const int *keep, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += keep[i] ? p[i] : 0;
    for (size_t i = 0; i < n; i++)
        p[i] = keep[i] ? p[i] / sum : 0;
}

/* exp(logits / temperature) is 1, 2, 3, 4, 2 at temperature 1. */
static void expect_kept(phial_sampling params, const int *keep)
{
    float logits[5];
    double p[5] = {1, 2, 3, 4, 2};

    for (int i = 0; i < 5; i++) {
        logits[i] = (float)log(p[i]);
        p[i] = pow(p[i], 1 / (double)params.temperature);
    }
    normalise(p, keep, 5);
    expect_distribution(params, logits, p, 5);
}

START_TEST(temperature_shapes_the_distribution)
{
    static const int all[] = {1, 1, 1, 1, 1};

    expect_kept((phial_sampling){.temperature = 1}, all);
    expect_kept((phial_sampling){.temperature = 0.5f}, all);
    expect_kept((phial_sampling){.temperature = 3}, all);
    expect_kept((phial_sampling){.temperature = 1,
                                 .seed = 1,
                                 .flags = PHIAL_SAMPLING_SEEDED},
                all);
    expect_kept((phial_sampling){.temperature = 1,
                                 .seed = UINT64_MAX,
                                 .flags = PHIAL_SAMPLING_SEEDED},
                all);
}
END_TEST

START_TEST(top_k_keeps_the_likeliest_and_of_ties_the_lowest_id)
{
    static const int two[] = {0, 0, 1, 1, 0}, three[] = {0, 1, 1, 1, 0};

    expect_kept((phial_sampling){.temperature = 1, .top_k = 2}, two);
    expect_kept((phial_sampling){.temperature = 1, .top_k = 3}, three);
}
END_TEST

START_TEST(top_p_keeps_the_fewest_that_reach_it)
{
    /* in descending order the sums are 4, 7, 9, 11, 12 twelfths */
    static const int two[] = {0, 0, 1, 1, 0}, three[] = {0, 1, 1, 1, 0};
    static const int four[] = {0, 1, 1, 1, 1}, all[] = {1, 1, 1, 1, 1};

    expect_kept((phial_sampling){.temperature = 1, .top_p = 0.34f}, two);
    expect_kept((phial_sampling){.temperature = 1, .top_p = 0.58f}, two);
    expect_kept((phial_sampling){.temperature = 1, .top_p = 0.59f}, three);
    expect_kept((phial_sampling){.temperature = 1, .top_p = 0.76f}, four);
    expect_kept((phial_sampling){.temperature = 1, .top_p = 0.95f}, all);
    /* after top-k 3 the sums are 4, 7, 9 ninths */
    expect_kept((phial_sampling){.temperature = 1, .top_k = 3, .top_p = 0.77f},
                two);
}
END_TEST

START_TEST(min_p_is_relative_to_the_likeliest)
{
    static const int two[] = {0, 0, 1, 1, 0}, four[] = {0, 1, 1, 1, 1};

    expect_kept((phial_sampling){.temperature = 1, .min_p = 0.7f}, two);
    expect_kept((phial_sampling){.temperature = 1, .min_p = 0.49f}, four);
}
END_TEST

START_TEST(equal_logits_share_equally)
{
    static const float logits[64];
    double p[64];

    for (int i = 0; i < 64; i++)
        p[i] = 1.0 / 64;
    expect_distribution((phial_sampling){.temperature = 1}, logits, p, 64);
    for (int i = 0; i < 64; i++)
        p[i] = i < 32 ? 1.0 / 32 : 0; /* top-p 0.5, ties by lowest id */
    expect_distribution((phial_sampling){.temperature = 1, .top_p = 0.5f},
                        logits, p, 64);
}
END_TEST

static void fill_logits(float *logits, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        logits[i] = (float)(3 * next_normal(&seed));
    logits[n / 3] = 18;
    logits[n / 2] = 17;
}

/* Logits from integers only, so that they are the same everywhere. */
static void fill_golden(float *logits, size_t n)
{
    uint64_t state = 2024;

    for (size_t i = 0; i < n; i++)
        logits[i] = (float)(int)(next_random(&state) % 4096) / 256.0f - 8;
}

START_TEST(a_seed_gives_one_sequence_for_ever)
{
    static const struct {
        phial_sampling params;
        phial_token expected[8];
    } cases[] = {
        {{.temperature = 1}, {3575, 1495, 1280, 1702, 2891, 116, 3284, 155}},
        {{.temperature = 0.5f, .seed = 42},
         {1887, 1356, 2694, 2769, 3490, 1180, 3093, 1683}},
        {{.temperature = 2, .seed = UINT64_MAX},
         {309, 1206, 1772, 2775, 3141, 3391, 1124, 3054}},
        {{.temperature = 1, .top_k = 40, .seed = 7},
         {3153, 3337, 96, 1131, 3974, 1593, 1972, 1972}},
        {{.temperature = 1.5f, .top_p = 0.9f, .seed = 7},
         {3057, 3222, 26, 1001, 3950, 1373, 1890, 1894}},
        {{.temperature = 1, .min_p = 0.1f, .seed = 7},
         {3084, 3253, 24, 994, 3952, 1377, 1890, 1894}},
        {{.temperature = 0.8f,
          .top_k = 50,
          .top_p = 0.95f,
          .seed = 1234567890123},
         {1751, 3153, 3758, 3974, 2222, 3590, 2694, 3337}},
        {{.temperature = 3, .top_k = 1000, .top_p = 0.7f, .min_p = 0.02f},
         {3568, 1500, 1288, 1725, 2894, 117, 3279, 154}},
    };
    static float logits[4000];

    fill_golden(logits, 4000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        phial_sampling params = cases[i].params;
        ph_sampler *sampler;
        phial_token got[8];

        params.flags = PHIAL_SAMPLING_SEEDED;
        sampler = make_sampler(4000, NULL, params);
        for (uint64_t step = 0; step < 8; step++)
            got[step] = pick(sampler, logits, step);
        ck_assert_msg(memcmp(got, cases[i].expected, sizeof got) == 0,
                      "case %zu gives {%d, %d, %d, %d, %d, %d, %d, %d}", i,
                      got[0], got[1], got[2], got[3], got[4], got[5], got[6],
                      got[7]);
        ph_sampler_free(sampler);
    }
}
END_TEST

START_TEST(a_draw_depends_on_seed_and_step_alone)
{
    static float logits[1000];
    phial_sampling params = {.temperature = 1};
    ph_sampler *a = make_sampler(1000, NULL, params);
    ph_sampler *b = make_sampler(1000, NULL, params);
    phial_token forward[100];

    fill_golden(logits, 1000);
    for (uint64_t step = 0; step < 100; step++)
        forward[step] = pick(a, logits, step);
    for (uint64_t step = 100; step-- > 0;)
        ck_assert_int_eq(pick(b, logits, step), forward[step]);
    ph_sampler_free(a);
    ph_sampler_free(b);
}
END_TEST

static float *descending;

static int downwards(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x > y ? -1 : x < y;
}

/* Whatever the order of the logits, only the k likeliest are drawn. */
START_TEST(top_k_of_a_full_vocabulary_is_exact)
{
    static const uint32_t ks[] = {1, 2, 50, 1000, 5000, 60000, 200063};
    static float logits[N_VOCAB];

    descending = malloc(sizeof logits);
    for (int shape = 0; shape < 3; shape++) {
        fill_logits(logits, N_VOCAB, 9);
        if (shape)
            qsort(logits, N_VOCAB, sizeof *logits, downwards);
        if (shape == 2) {
            for (size_t i = 0; i < N_VOCAB / 2; i++) {
                float x = logits[i];

                logits[i] = logits[N_VOCAB - 1 - i];
                logits[N_VOCAB - 1 - i] = x;
            }
        }
        memcpy(descending, logits, sizeof logits);
        qsort(descending, N_VOCAB, sizeof *descending, downwards);
        for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
            phial_sampling params = {.temperature = 100, .top_k = ks[i]};
            ph_sampler *sampler = make_sampler(N_VOCAB, NULL, params);
            float lowest = INFINITY;

            for (uint64_t step = 0; step < 30; step++) {
                float x = logits[pick(sampler, logits, step)];

                lowest = x < lowest ? x : lowest;
            }
            ck_assert_float_ge(lowest, descending[ks[i] - 1]);
            if (ks[i] < 20) /* all of them have turned up */
                ck_assert_float_eq(lowest, descending[ks[i] - 1]);
            ph_sampler_free(sampler);
        }
    }
    free(descending);
}
END_TEST

static double microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

START_TEST(time_of_a_pick)
{
    static const struct {
        const char *name;
        phial_sampling params;
    } cases[] = {
        {"greedy", {0}},
        {"temperature 1", {.temperature = 1}},
        {"top-k 50", {.temperature = 1, .top_k = 50}},
        {"top-p 0.95", {.temperature = 1, .top_p = 0.95f}},
        {"top-p 0.95, min-p 0.05",
         {.temperature = 1, .top_p = 0.95f, .min_p = 0.05f}},
        {"top-k 50, top-p 0.95, temperature 0.8",
         {.temperature = 0.8f, .top_k = 50, .top_p = 0.95f}},
        {"top-k 100000", {.temperature = 1, .top_k = 100000}},
        {"repeat penalty", {.repeat_penalty = 1.1f}},
    };
    static float logits[N_VOCAB];
    static phial_token history[8192];
    uint64_t state = 1;

    fill_logits(logits, N_VOCAB, 4);
    for (size_t i = 0; i < 8192; i++)
        history[i] = (phial_token)(next_random(&state) % N_VOCAB);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ph_sampler *sampler = make_sampler(N_VOCAB, NULL, cases[i].params);
        double best[2] = {1e9, 1e9};

        for (uint64_t step = 0; step < 100; step++) {
            phial_token token;
            float logprob;
            double begin = microseconds();

            ck_status(ph_sampler_pick(sampler, logits, history, 8192, 0, step,
                                      &token, step % 2 ? &logprob : NULL),
                      PHIAL_OK);
            begin = microseconds() - begin;
            best[step % 2] = begin < best[step % 2] ? begin : best[step % 2];
        }
        printf("%-40s %7.0f us, with logprob %7.0f us\n", cases[i].name,
               best[0], best[1]);
        ph_sampler_free(sampler);
    }
}
END_TEST

TCase *draw_tests(void)
{
    TCase *t = tcase_create("draws");

    tcase_add_test(t, temperature_shapes_the_distribution);
    tcase_add_test(t, top_k_keeps_the_likeliest_and_of_ties_the_lowest_id);
    tcase_add_test(t, top_p_keeps_the_fewest_that_reach_it);
    tcase_add_test(t, min_p_is_relative_to_the_likeliest);
    tcase_add_test(t, equal_logits_share_equally);
    tcase_add_test(t, a_seed_gives_one_sequence_for_ever);
    tcase_add_test(t, a_draw_depends_on_seed_and_step_alone);
    tcase_add_test(t, top_k_of_a_full_vocabulary_is_exact);
    if (getenv("PHIAL_TEST_BENCH"))
        tcase_add_test(t, time_of_a_pick);
    tcase_set_timeout(t, 120);
    return t;
}
