/* SPDX-License-Identifier: MIT
 * sdot in registers, as many chains as hide its latency. */
#include "probes.h"

#include <arm_neon.h>

enum { CHAINS = 16, ROUNDS = 20000 };

uint64_t probe_int8_neon(void)
{
    int32x4_t sums[CHAINS];
    int8x16_t a = vdupq_n_s8(1), b = a;

    for (int i = 0; i < CHAINS; i++)
        sums[i] = vdupq_n_s32(0);
    for (int n = 0; n < ROUNDS; n++) {
        for (int i = 0; i < CHAINS; i++)
            sums[i] = vdotq_s32(sums[i], a, b);
        __asm__ volatile("" : "+w"(a));
    }
    for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : "w"(sums[i]));
    return (uint64_t)ROUNDS * CHAINS * sizeof a;
}
