/* SPDX-License-Identifier: MIT
 * exp_down.h - e^z for probabilities. The kernels' exp rounds like a fused
 * multiply-add, which is slow to emulate where the machine has none; sampling
 * takes it over a whole vocabulary and needs no more than plain double. */
#ifndef PH_EXP_DOWN_H
#define PH_EXP_DOWN_H

#include <stdint.h>
#include <string.h>

/* e^z for -60 <= z <= 0, within 1e-12 of it. With z = n ln2 + r: the Taylor
 * series of e^r, times 2^n through the exponent. Vectorises. */
static inline double ph_exp_down(double z)
{
    const double round = 0x1.8p52; /* adding it rounds to an integer */
    double shifted = z * 0x1.71547652b82fep+0 + round;
    double r = z - (shifted - round) * 0x1.62e42fefa39efp-1;
    double y = 1.0 / 39916800;
    uint64_t n, bits;

    y = y * r + 1.0 / 3628800;
    y = y * r + 1.0 / 362880;
    y = y * r + 1.0 / 40320;
    y = y * r + 1.0 / 5040;
    y = y * r + 1.0 / 720;
    y = y * r + 1.0 / 120;
    y = y * r + 1.0 / 24;
    y = y * r + 1.0 / 6;
    y = y * r + 0.5;
    y = y * r + 1;
    y = y * r + 1;
    memcpy(&n, &shifted, sizeof n);
    memcpy(&bits, &y, sizeof bits);
    bits += n << 52;
    memcpy(&y, &bits, sizeof y);
    return y;
}

#endif /* PH_EXP_DOWN_H */
