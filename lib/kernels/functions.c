/* SPDX-License-Identifier: MIT
 * exp, ln, sin and cos of our own: C libraries differ in the last bit, and a
 * last bit that differs may become a different answer. The double functions use
 * only + - * / in a fixed order, and Taylor series long enough that what is
 * left out is below 2^-53 of the result. */
#include "kernels/functions.h"

#include "kernels/arith.h"
#include "kernels/kernels.h"

/* ln 2 and pi / 2 in parts short enough that a product with n is exact. */
#define LN2_HI 0x1.62e42feep-1
#define LN2_LO 0x1.a39ef35793c76p-33
#define HALF_PI_1 0x1.921fb544p+0
#define HALF_PI_2 0x1.0b4611a6p-34
#define HALF_PI_3 0x1.3198a2e037074p-69

static const double round_to_integer = 0x1.8p52; /* by adding it */

/* c[0] + c[1] x + ... + c[n-1] x^(n-1) by Horner's rule. */
static double polynomial(const double *c, int n, double x)
{
    double y = c[n - 1];

    for (int i = n - 2; i >= 0; i--)
        y = y * x + c[i];
    return y;
}

float ph_expf(float x)
{
    return ph_exp_inline(x);
}

double ph_ln(double x)
{
    /* ln m = 2 atanh(s), s = (m - 1) / (m + 1): 2s (1 + s^2/3 + s^4/5 ...) */
    static const double atanh_series[] = {
        1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
        1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21,
    };
    int64_t exponent = 0;
    uint64_t bits;
    double m, f, s, z, twice;

    if (!(x > 0))
        return x == 0 ? -INFINITY : (double)NAN;
    if (x == (double)INFINITY)
        return x;
    if (x < DBL_MIN) {
        x *= 0x1p54;
        exponent = -54;
    }
    bits = ph_double_bits(x);
    exponent += (int64_t)(bits >> 52) - 1023;
    m = ph_bits_double((bits & 0xfffffffffffffu) | UINT64_C(1023) << 52);
    if (m > 0x1.6a09e667f3bcdp+0) { /* sqrt 2 */
        m *= 0.5;
        exponent++;
    }
    f = m - 1;
    s = f / (m + 1);
    z = s * s;
    twice = 2 * s;
    return (double)exponent * LN2_HI +
           (twice + (twice * z * polynomial(atanh_series, 10, z) +
                     (double)exponent * LN2_LO));
}

double ph_exp(double x)
{
    static const double series[] = {
        1.0,
        1.0,
        1.0 / 2,
        1.0 / 6,
        1.0 / 24,
        1.0 / 120,
        1.0 / 720,
        1.0 / 5040,
        1.0 / 40320,
        1.0 / 362880,
        1.0 / 3628800,
        1.0 / 39916800,
        1.0 / 479001600,
        1.0 / 6227020800,
    };
    double n, r;

    if (!(x > -700))
        return x != x ? x : 0;
    if (x > 700)
        return INFINITY;
    n = x * 0x1.71547652b82fep+0 + round_to_integer - round_to_integer;
    r = (x - n * LN2_HI) - n * LN2_LO;
    return polynomial(series, 14, r) *
           ph_bits_double((uint64_t)(1023 + (int64_t)n) << 52);
}

void ph_sincos(double x, double *sin_out, double *cos_out)
{
    static const double sin_series[] = {
        -1.0 / 6,        1.0 / 120,        -1.0 / 5040,          1.0 / 362880,
        -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000,
    };
    static const double cos_series[] = {
        1.0 / 24,
        -1.0 / 720,
        1.0 / 40320,
        -1.0 / 3628800,
        1.0 / 479001600,
        -1.0 / 87178291200,
        1.0 / 20922789888000,
    };
    double n, r, z, s, c;

    if (!(fabs(x) < 0x1p20)) {
        *sin_out = *cos_out = (double)NAN;
        return;
    }
    n = x * 0x1.45f306dc9c883p-1 + round_to_integer - round_to_integer;
    r = ((x - n * HALF_PI_1) - n * HALF_PI_2) - n * HALF_PI_3;
    z = r * r;
    s = r + r * z * polynomial(sin_series, 7, z);
    c = 1 - (0.5 * z - z * z * polynomial(cos_series, 7, z));
    switch ((int64_t)n & 3) {
    case 0:
        *sin_out = s, *cos_out = c;
        break;
    case 1:
        *sin_out = c, *cos_out = -s;
        break;
    case 2:
        *sin_out = -s, *cos_out = -c;
        break;
    default:
        *sin_out = -c, *cos_out = s;
    }
}
