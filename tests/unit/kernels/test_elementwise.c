/* SPDX-License-Identifier: MIT
 * Quantisation of activations, norm, SwiGLU and sum: against their rules and
 * against double precision. */
#include "kernels_testing.h"

#include <float.h>

static void quantize(const float *x, size_t n, ph_act_block *blocks)
{
    kernels->quantize_acts(x, n, blocks);
    for (size_t b = 0; b < n; b++) {
        int sums[2] = {0};

        for (int i = 0; i < 32; i++)
            sums[i / 16] += blocks[b].codes[i];
        ck_assert_int_eq(blocks[b].sums[0], sums[0]);
        ck_assert_int_eq(blocks[b].sums[1], sums[1]);
        ck_assert(same_float(blocks[b].wsum,
                             blocks[b].scale * (float)(sums[0] + sums[1])));
    }
}

START_TEST(codes_are_the_nearest_and_scales_the_maximum_over_127)
{
    uint64_t state = 1;
    float x[32];
    ph_act_block out;

    for (int i = 0; i < 20000; i++) {
        float size = ldexpf(1, (int)random_below(&state, 180) - 90);
        float max = 0;

        for (int k = 0; k < 32; k++) {
            x[k] = random_normal(&state) * size;
            max = fmaxf(max, fabsf(x[k]));
        }
        quantize(x, 1, &out);
        ck_assert(same_float(out.scale, max / 127));
        for (int k = 0; k < 32; k++) {
            ck_assert_int_eq(out.codes[k], (int)rintf(x[k] * (127 / max)));
            ck_assert(fabs((double)x[k] - (double)out.scale * out.codes[k]) <=
                      0.50001 * out.scale);
        }
    }
}
END_TEST

START_TEST(halves_round_to_even_codes)
{
    float x[32] = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f};
    ph_act_block out;
    int want[8] = {127, 0, 2, 2, 0, -2, -2, 126};

    quantize(x, 1, &out);
    ck_assert(out.scale == 1);
    for (int k = 0; k < 8; k++)
        ck_assert_int_eq(out.codes[k], want[k]);
}
END_TEST

START_TEST(tiny_blocks_are_zero_and_nan_ones_have_a_nan_scale)
{
    static const float values[] = {
        0.0f,      -0.0f,   FLT_TRUE_MIN, FLT_MIN,   0x1.fffffep-101f,
        0x1p-100f, FLT_MAX, INFINITY,     -INFINITY, NAN,
        -NAN};
    ph_act_block out[2];

    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int place = 0; place < 32; place++) {
            float x[64] = {0};
            float v = values[i];

            x[place] = v;
            x[32] = 5;
            quantize(x, 2, out);
            ck_assert_int_eq(out[1].codes[0], 127);
            ck_assert(same_float(out[1].scale, 5.0f / 127));
            if (!isfinite(v)) {
                ck_assert(isnan(out[0].scale));
                ck_assert_int_eq(out[0].codes[place], 0);
            } else if (fabsf(v) < 0x1p-100f) {
                ck_assert(same_float(out[0].scale, 0));
                ck_assert_int_eq(out[0].codes[place], 0);
            } else {
                ck_assert(same_float(out[0].scale, v / 127));
                ck_assert_int_eq(out[0].codes[place], 127);
            }
        }
}
END_TEST

START_TEST(blocks_are_quantised_one_by_one)
{
    enum { N = 5 };
    uint64_t state = 2;
    float x[32 * N];
    ph_act_block want[N], got[N];

    for (int i = 0; i < 32 * N; i++)
        x[i] = random_normal(&state);
    quantize(x, N, want);
    memset(got, 99, sizeof got);
    kernels->quantize_acts(x + 64, 2, got + 2);
    ck_assert_int_eq(got[1].sums[1], 99 * 257);
    ck_assert_int_eq(got[4].codes[0], 99);
    kernels->quantize_acts(x, 2, got);
    kernels->quantize_acts(x + 128, 1, got + 4);
    ck_assert_mem_eq(got, want, sizeof want);
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
    tcase_add_test(tc, blocks_are_quantised_one_by_one);
    tcase_add_test(tc, the_norm_follows_its_rule_at_every_length);
    tcase_add_test(tc, the_norm_is_close_to_double_precision);
    tcase_add_test(tc, swiglu_is_close_to_double_precision_at_every_length);
    tcase_add_test(tc, swiglu_saturates);
    tcase_add_test(tc, sums_are_elementwise);
    return tc;
}
