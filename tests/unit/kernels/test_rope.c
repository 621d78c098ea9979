/* SPDX-License-Identifier: MIT
 * Rotary position: the reference's float32 frequencies and angles, and the
 * rotation. */
#include "kernels_testing.h"

/* inv_freq of transformers 4.51 (torch 2.6) for the models' parameters. */
START_TEST(frequencies_are_those_of_the_reference)
{
    static const struct {
        float theta;
        uint32_t n_rot, i;
        float factor, want;
    } cases[] = {
        {10000, 96, 0, 1, 1.0f},
        {10000, 96, 1, 1, 0.825404167f},
        {10000, 96, 2, 1, 0.681292057f},
        {10000, 96, 24, 1, 0.00999999978f},
        {10000, 96, 47, 1, 0.000121152749f},
        {250000, 128, 0, 1, 1.0f},
        {250000, 128, 1, 1, 0.823487818f},
        {250000, 128, 2, 1, 0.678132236f},
        {250000, 128, 32, 1, 0.00200000009f},
        {250000, 128, 63, 1, 4.85738838e-06f},
        {10000, 96, 1, 1.118320672f, 0.73807466f},
    };
    float freqs[64], factors[64];

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int i = 0; i < 64; i++)
            factors[i] = cases[c].factor;
        ph_rope_frequencies(cases[c].theta, cases[c].n_rot, factors, freqs);
        ck_assert(same_float(freqs[cases[c].i], cases[c].want));
        if (cases[c].factor == 1) {
            ph_rope_frequencies(cases[c].theta, cases[c].n_rot, NULL, freqs);
            ck_assert(same_float(freqs[cases[c].i], cases[c].want));
        }
    }
}
END_TEST

START_TEST(frequencies_come_from_correctly_rounded_powers)
{
    static const float thetas[] = {10000, 250000, 500000, 1000000};
    static const uint32_t sizes[] = {2, 8, 24, 48, 64, 96, 128, 256};
    float freqs[128];

    for (int t = 0; t < 4; t++)
        for (int s = 0; s < 8; s++) {
            ph_rope_frequencies(thetas[t], sizes[s], NULL, freqs);
            for (uint32_t i = 0; i < sizes[s] / 2; i++) {
                float e = (float)(2 * i) / (float)sizes[s];
                long double power =
                    powl((long double)thetas[t], (long double)e);

                ck_assert(same_float(freqs[i], 1.0f / (float)power));
            }
        }
}
END_TEST

START_TEST(angles_are_rounded_to_float_before_cos_and_sin)
{
    uint64_t state = 1;
    float freqs[48], c[48], s[48];
    float scale = 1.190238118f;

    ph_rope_frequencies(10000, 96, NULL, freqs);
    for (int repeat = 0; repeat < 2000; repeat++) {
        uint32_t pos = random_below(&state, repeat % 2 ? 131072 : 4096);

        ph_rope_angles(freqs, 96, pos, scale, c, s);
        for (int i = 0; i < 48; i++) {
            float product = freqs[i] * (float)pos;
            double angle = product;

            ck_assert(same_float(c[i], (float)cos(angle) * scale));
            ck_assert(same_float(s[i], (float)sin(angle) * scale));
        }
    }
}
END_TEST

START_TEST(angles_equal_the_published_fixtures)
{
    float freqs[64], c[64], s[64];

    ph_rope_frequencies(10000, 96, NULL, freqs);
    ph_rope_angles(freqs, 96, 4095, 1.1902380714f, c, s);
    ck_assert(fabsf(c[1] - 1.128436f) < 1e-6f);
    ck_assert(fabsf(s[1] + 0.378548f) < 1e-6f);
    ph_rope_frequencies(250000, 128, NULL, freqs);
    ph_rope_angles(freqs, 128, 16383, 1, c, s);
    ck_assert(fabsf(c[1] - 0.360197f) < 1e-6f);
    ck_assert(fabsf(s[1] - 0.932876f) < 1e-6f);
    freqs[24] = 0.000682979298f;
    ph_rope_angles(freqs, 96, 100000, 1.1902380714f, c, s);
    ck_assert(fabsf(c[24] - 0.814517f) < 1e-6f);
    ck_assert(fabsf(s[24] + 0.867888f) < 1e-6f);
}
END_TEST

START_TEST(rotation_turns_the_first_pairs_and_leaves_the_rest)
{
    uint64_t state = 2;
    float head[64], before[64], c[32], s[32];

    for (uint32_t n_rot = 2; n_rot <= 64; n_rot += 2) {
        uint32_t half = n_rot / 2;

        for (int i = 0; i < 64; i++)
            before[i] = head[i] = random_normal(&state);
        for (int i = 0; i < 32; i++) {
            double angle = 6.3 * random_unit(&state);

            c[i] = (float)cos(angle);
            s[i] = (float)sin(angle);
        }
        kernels->rope(head, c, s, n_rot);
        for (uint32_t i = 0; i < half; i++) {
            double a = before[i], b = before[i + half];

            ck_assert(fabs(head[i] - (a * c[i] - b * s[i])) < 1e-6);
            ck_assert(fabs(head[i + half] - (b * c[i] + a * s[i])) < 1e-6);
        }
        check_same(head + n_rot, before + n_rot, 64 - n_rot);
    }
}
END_TEST

TCase *rope_tests(void)
{
    TCase *tc = tcase_create("rope");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, frequencies_are_those_of_the_reference);
    tcase_add_test(tc, frequencies_come_from_correctly_rounded_powers);
    tcase_add_test(tc, angles_are_rounded_to_float_before_cos_and_sin);
    tcase_add_test(tc, angles_equal_the_published_fixtures);
    tcase_add_test(tc, rotation_turns_the_first_pairs_and_leaves_the_rest);
    return tc;
}
