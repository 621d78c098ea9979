/* SPDX-License-Identifier: MIT
 * Quantisation of activations, norm, SwiGLU and sum: against their rules and
 * against double precision. */
#include "kernels_testing.h"

#include <float.h>

static void quantize(const float *x, uint32_t n, uint32_t cols, int8_t *codes,
                     float *scales)
{
    ph_acts acts = new_acts(x, n, cols);

    kernels->quantize_acts(&acts, 0, n);
    memcpy(codes, acts.codes, (size_t)n * cols);
    memcpy(scales, acts.scales, (size_t)n * cols / 32 * sizeof *scales);
    for (uint32_t b = 0; b < n * cols / 32; b++) {
        int sums[2] = {0};

        for (uint32_t i = 0; i < 32; i++)
            sums[i / 16] += codes[32 * b + i];
        ck_assert_int_eq(acts.sums[2 * b], sums[0]);
        ck_assert_int_eq(acts.sums[2 * b + 1], sums[1]);
        ck_assert(
            same_float(acts.wsums[b], scales[b] * (float)(sums[0] + sums[1])));
    }
    drop_acts(&acts);
}

START_TEST(codes_are_the_nearest_and_scales_the_maximum_over_127)
{
    uint64_t state = 1;
    float x[32], scale;
    int8_t codes[32];

    for (int i = 0; i < 20000; i++) {
        float size = ldexpf(1, (int)random_below(&state, 180) - 90);
        float max = 0;

        for (int k = 0; k < 32; k++) {
            x[k] = random_normal(&state) * size;
            max = fmaxf(max, fabsf(x[k]));
        }
        quantize(x, 1, 32, codes, &scale);
        ck_assert(same_float(scale, max / 127));
        for (int k = 0; k < 32; k++) {
            ck_assert_int_eq(codes[k], (int)rintf(x[k] * (127 / max)));
            ck_assert(fabs((double)x[k] - (double)scale * codes[k]) <=
                      0.50001 * scale);
        }
    }
}
END_TEST

START_TEST(halves_round_to_even_codes)
{
    float x[32] = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f};
    int8_t codes[32];
    float scale;
    int want[8] = {127, 0, 2, 2, 0, -2, -2, 126};

    quantize(x, 1, 32, codes, &scale);
    ck_assert(scale == 1);
    for (int k = 0; k < 8; k++)
        ck_assert_int_eq(codes[k], want[k]);
}
END_TEST

START_TEST(tiny_blocks_are_zero_and_nan_ones_have_a_nan_scale)
{
    static const float values[] = {
        0.0f,      -0.0f,   FLT_TRUE_MIN, FLT_MIN,   0x1.fffffep-101f,
        0x1p-100f, FLT_MAX, INFINITY,     -INFINITY, NAN,
        -NAN};
    int8_t codes[64];
    float scales[2];

    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int place = 0; place < 32; place++) {
            float x[64] = {0};
            float v = values[i];

            x[place] = v;
            x[32] = 5;
            quantize(x, 1, 64, codes, scales);
            ck_assert_int_eq(codes[32], 127);
            ck_assert(same_float(scales[1], 5.0f / 127));
            if (!isfinite(v)) {
                ck_assert(isnan(scales[0]));
                ck_assert_int_eq(codes[place], 0);
            } else if (fabsf(v) < 0x1p-100f) {
                ck_assert(same_float(scales[0], 0));
                ck_assert_int_eq(codes[place], 0);
            } else {
                ck_assert(same_float(scales[0], v / 127));
                ck_assert_int_eq(codes[place], 127);
            }
        }
}
END_TEST

START_TEST(rows_are_quantised_one_by_one)
{
    enum { N = 5, COLS = 96 };
    uint64_t state = 2;
    float x[N * COLS] = {0}, scales[N * 3];
    int8_t codes[N * COLS];
    ph_acts acts = new_acts(x, N, COLS);

    for (int i = 0; i < N * COLS; i++)
        x[i] = random_normal(&state);
    quantize(x, N, COLS, codes, scales);
    memset(acts.codes, 99, N * COLS);
    kernels->quantize_acts(&acts, 2, 4);
    ck_assert_int_eq(acts.codes[2 * COLS - 1], 99);
    ck_assert_int_eq(acts.codes[4 * COLS], 99);
    kernels->quantize_acts(&acts, 0, 2);
    kernels->quantize_acts(&acts, 4, 5);
    ck_assert_mem_eq(codes, acts.codes, sizeof codes);
    check_same(acts.scales, scales, N * 3);
    drop_acts(&acts);
}
END_TEST

/* The reduction of the rule: lane i mod 16, then + 8, + 4, + 2, + 1. */
static float square_sum_rule(const float *x, size_t n)
{
    float lanes[16] = {0};

    for (size_t i = 0; i < n; i++)
        lanes[i % 16] = fmaf(x[i], x[i], lanes[i % 16]);
    for (int l = 0; l < 8; l++)
        lanes[l] += lanes[l + 8];
    for (int l = 0; l < 4; l++)
        lanes[l] += lanes[l + 4];
    return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

START_TEST(the_norm_follows_its_rule_at_every_length)
{
    uint64_t state = 3;
    float x[200], w[200], y[200], want[200];

    for (size_t n = 1; n <= 200; n++) {
        float r;

        for (size_t i = 0; i < n; i++) {
            x[i] = random_normal(&state) * (random_below(&state, 9) ? 1 : 100);
            w[i] = random_normal(&state);
        }
        r = 1 / sqrtf(square_sum_rule(x, n) / (float)n + 1e-5f);
        for (size_t i = 0; i < n; i++)
            want[i] = x[i] * r * w[i];
        kernels->rms_norm(x, w, 1e-5f, n, y);
        check_same(y, want, n);
        kernels->rms_norm(x, w, 1e-5f, n, x); /* in place */
        check_same(x, want, n);
    }
}
END_TEST

START_TEST(the_norm_is_close_to_double_precision)
{
    enum { N = 3072 };
    uint64_t state = 4;
    float x[N], w[N], y[N];
    double want[N], sum = 0;

    for (int i = 0; i < N; i++) {
        x[i] = random_normal(&state);
        w[i] = random_normal(&state);
        sum += (double)x[i] * x[i];
    }
    for (int i = 0; i < N; i++)
        want[i] = x[i] / sqrt(sum / N + (double)1e-5f) * w[i];
    kernels->rms_norm(x, w, 1e-5f, N, y);
    ck_assert(error_of(y, want, N) < 1e-13);
}
END_TEST

START_TEST(swiglu_is_close_to_double_precision_at_every_length)
{
    uint64_t state = 5;
    float gate[300], up[300], out[300];
    double want[300];

    for (size_t n = 1; n <= 300; n++) {
        for (size_t i = 0; i < n; i++) {
            gate[i] = random_normal(&state) * 6;
            up[i] = random_normal(&state);
            want[i] = gate[i] / (1 + exp(-(double)gate[i])) * up[i];
        }
        kernels->swiglu(gate, up, n, out);
        for (size_t i = 0; i < n; i++) {
            float one;

            ck_assert(fabs(out[i] - want[i]) <= 4e-7 * fabs(want[i]));
            kernels->swiglu(gate + i, up + i, 1, &one);
            ck_assert(same_float(one, out[i]));
        }
    }
}
END_TEST

START_TEST(swiglu_saturates)
{
    float gate[] = {-200, 200, -FLT_MAX, FLT_MAX, 0, NAN};
    float up[] = {1, 1, 1, 1, 7, 1};
    float out[6];

    kernels->swiglu(gate, up, 6, out);
    ck_assert(out[0] == 0 && out[1] == 200 && out[2] == 0);
    ck_assert(out[3] == FLT_MAX && out[4] == 0 && isnan(out[5]));
}
END_TEST

START_TEST(sums_are_elementwise)
{
    float x[5] = {1, -0.0f, 3, INFINITY, 5}, y[5] = {1, -0.0f, -3, 1, 0.5f};
    float want[5] = {2, -0.0f, 0, INFINITY, 5.5f};

    kernels->add_to(x, y, 5);
    check_same(x, want, 5);
    kernels->add_to(x, y, 0);
    check_same(x, want, 5);
}
END_TEST

TCase *elementwise_tests(void)
{
    TCase *tc = tcase_create("elementwise");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, codes_are_the_nearest_and_scales_the_maximum_over_127);
    tcase_add_test(tc, halves_round_to_even_codes);
    tcase_add_test(tc, tiny_blocks_are_zero_and_nan_ones_have_a_nan_scale);
    tcase_add_test(tc, rows_are_quantised_one_by_one);
    tcase_add_test(tc, the_norm_follows_its_rule_at_every_length);
    tcase_add_test(tc, the_norm_is_close_to_double_precision);
    tcase_add_test(tc, swiglu_is_close_to_double_precision_at_every_length);
    tcase_add_test(tc, swiglu_saturates);
    tcase_add_test(tc, sums_are_elementwise);
    return tc;
}
