/* SPDX-License-Identifier: MIT
 * exp, ln, sin, cos and the fused multiply-add, against the C library in a
 * wider type. PH_EXHAUSTIVE=1 in the environment: exp over all floats. */
#include "kernels/arith.h"
#include "kernels/functions.h"
#include "kernels_testing.h"

#include <float.h>

/* Distance in units of the last place of the true result. */
static double ulps(float got, double want)
{
    int exponent;

    frexp(want, &exponent);
    return fabs(got - want) / ldexp(1, exponent - 24);
}

START_TEST(exp_is_within_an_ulp)
{
    uint32_t step = getenv("PH_EXHAUSTIVE") ? 1 : 4093;
    double worst = 0;

    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += step) {
        float x = ph_bits_float((uint32_t)bits);
        float y = ph_expf(x);
        double want = exp((double)x);

        if (isnan(x)) {
            ck_assert(isnan(y));
        } else if (x < -87) {
            ck_assert(y == 0);
        } else if (want >= (double)FLT_MAX) {
            ck_assert(isinf(y));
        } else {
            worst = fmax(worst, ulps(y, want));
        }
    }
    ck_assert_msg(worst < 0.88, "%g ulp", worst);
}
END_TEST

START_TEST(exp_is_exact_where_it_can_be)
{
    ck_assert(same_float(ph_expf(0.0f), 1.0f));
    ck_assert(same_float(ph_expf(-0.0f), 1.0f));
    ck_assert(same_float(ph_expf(-INFINITY), 0.0f));
    ck_assert(same_float(ph_expf(INFINITY), INFINITY));
    ck_assert(same_float(ph_expf(FLT_TRUE_MIN), 1.0f));
    ck_assert(ph_expf(-87.0f) > 0);
    ck_assert(ph_expf(nextafterf(-87.0f, -100)) == 0);
    ck_assert(ph_expf(0x1.62e42ep+6f) < INFINITY);
    ck_assert(ph_expf(0x1.62e430p+6f) == INFINITY);
}
END_TEST

/* Operands of all exponents, and of exponents and trailing zeros for which
 * sums cancel or fall on a tie. */
static float fma_operand(uint64_t *state)
{
    uint64_t r = random_bits(state);
    uint32_t bits = (uint32_t)r;

    if (r >> 32 & 3)
        bits = (bits & 0x807fffffu) | (120 + (uint32_t)(r >> 34 & 15)) << 23;
    if (r >> 40 & 1)
        bits &= 0xfffff000u;
    return ph_bits_float(bits);
}

START_TEST(the_fused_multiply_add_is_rounded_once)
{
    uint64_t state = 3;

    for (int i = 0; i < 3000000; i++) {
        float a = fma_operand(&state), b = fma_operand(&state);
        float c = i % 3 ? fma_operand(&state)
                        : -a * b * (1 + 0x1p-20f * random_normal(&state));
        float got = ph_fmaf(a, b, c), want = fmaf(a, b, c);

        ck_assert_msg(same_float(got, want), "%a * %a + %a: %a, not %a",
                      (double)a, (double)b, (double)c, (double)got,
                      (double)want);
    }
}
END_TEST

START_TEST(the_fused_multiply_add_knows_zeros_subnormals_and_infinities)
{
    static const float values[] = {
        0.0f,     -0.0f,    1.0f,      -1.0f,     FLT_MIN,       -FLT_MIN,
        FLT_MAX,  -FLT_MAX, INFINITY,  -INFINITY, FLT_TRUE_MIN,  0x1p-75f,
        0x1p-74f, 3.0f,     0x1.8p-1f, NAN,       -FLT_TRUE_MIN, 0x1.fffffep-1f,
    };
    int n = sizeof values / sizeof *values;

    for (int i = 0; i < n * n * n; i++) {
        float a = values[i % n], b = values[i / n % n], c = values[i / n / n];

        ck_assert(same_float(ph_fmaf(a, b, c), fmaf(a, b, c)));
    }
}
END_TEST

START_TEST(ln_and_exp_in_double_are_within_a_few_ulp)
{
    uint64_t state = 5;

    for (int i = 0; i < 300000; i++) {
        double u = random_unit(&state);
        double x = ldexp(1 + u, (int)random_below(&state, 2040) - 1020);
        double near = 1 + (u - 0.5) * ldexp(1, -(i % 45));
        double y = (u - 0.5) * 1300;
        long double want = logl((long double)x);

        ck_assert(fabsl(ph_ln(x) - want) <= 6e-16L * fabsl(want));
        want = logl((long double)near);
        ck_assert(fabsl(ph_ln(near) - want) <= 6e-16L * fabsl(want));
        want = expl((long double)y);
        ck_assert(fabsl(ph_exp(y) - want) <= 6e-16L * want);
    }
    ck_assert(ph_ln(1) == 0);
    ck_assert(ph_ln(0) == -(double)INFINITY);
    ck_assert(isnan(ph_ln(-1)));
    ck_assert(isnan(ph_ln((double)NAN)));
    ck_assert(ph_ln((double)INFINITY) == (double)INFINITY);
    ck_assert(fabs(ph_ln(4.9406564584124654e-324) + 744.4400719213812) < 1e-12);
    ck_assert(ph_exp(0) == 1);
}
END_TEST

START_TEST(sin_and_cos_are_within_1e_15_to_a_million)
{
    uint64_t state = 6;
    double s, c, worst = 0;

    for (int i = 0; i < 1000000; i++) {
        double u = (random_unit(&state) - 0.5) * ldexp(1, 21 - i % 40);
        double x = i % 2 ? u : (double)(float)u;

        if (i % 7 == 0) /* next to a zero of sin or cos */
            x = (double)random_below(&state, 667543) * 1.5707963267948966;
        ph_sincos(x, &s, &c);
        worst = fmax(worst, fabs((double)(s - sinl((long double)x))));
        worst = fmax(worst, fabs((double)(c - cosl((long double)x))));
    }
    ck_assert_msg(worst < 1e-15, "%g", worst);
    ph_sincos(0, &s, &c);
    ck_assert(s == 0 && c == 1);
    ph_sincos(0x1p20, &s, &c);
    ck_assert(isnan(s) && isnan(c));
    ph_sincos((double)NAN, &s, &c);
    ck_assert(isnan(s) && isnan(c));
}
END_TEST

START_TEST(halves_widen_without_branches_to_the_same_bits)
{
    for (uint32_t h = 0; h < 0x10000; h++)
        ck_assert(same_float(ph_half((uint16_t)h), ph_f16_to_f32((uint16_t)h)));
}
END_TEST

TCase *functions_tests(void)
{
    TCase *tc = tcase_create("functions");

    tcase_set_timeout(tc, getenv("PH_EXHAUSTIVE") ? 3600 : 60);
    tcase_add_test(tc, exp_is_within_an_ulp);
    tcase_add_test(tc, exp_is_exact_where_it_can_be);
    tcase_add_test(tc, the_fused_multiply_add_is_rounded_once);
    tcase_add_test(
        tc, the_fused_multiply_add_knows_zeros_subnormals_and_infinities);
    tcase_add_test(tc, ln_and_exp_in_double_are_within_a_few_ulp);
    tcase_add_test(tc, sin_and_cos_are_within_1e_15_to_a_million);
    tcase_add_test(tc, halves_widen_without_branches_to_the_same_bits);
    return tc;
}
