/* SPDX-License-Identifier: MIT
 * vpmaddubsw in registers, added up in 16 bits: what four-bit weights allow
 * before sums must be widened. */
#include "probes.h"

#include <immintrin.h>

enum { CHAINS = 8, ROUNDS = 40000 };

uint64_t probe_int8_avx2(void)
{
    __m256i sums[CHAINS], a = _mm256_set1_epi8(1), b = a;

    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm256_setzero_si256();
    for (int n = 0; n < ROUNDS; n++) {
        for (int i = 0; i < CHAINS; i++) {
            /* or the product would be taken out of the loop */
            __asm__ volatile("" : "+x"(a));
            sums[i] = _mm256_add_epi16(sums[i], _mm256_maddubs_epi16(a, b));
        }
    }
    for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" : : "x"(sums[i]));
    return (uint64_t)ROUNDS * CHAINS * sizeof a;
}
