/* SPDX-License-Identifier: MIT
 * vpdpbusd in registers, as many chains as hide its latency. */
#include "probes.h"

#include <immintrin.h>

enum { CHAINS = 16, ROUNDS = 20000 };

uint64_t probe_int8_avx512(void)
{
    __m512i sums[CHAINS], a = _mm512_set1_epi8(1), b = a;

    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm512_setzero_si512();
    for (int n = 0; n < ROUNDS; n++) {
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
        __asm__ volatile("" : "+v"(a));
    }
    for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : "v"(sums[i]));
    return (uint64_t)ROUNDS * CHAINS * sizeof a;
}
