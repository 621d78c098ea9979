/* SPDX-License-Identifier: MIT
 * The random generator. Integer arithmetic only: the same bits on every
 * machine. Good for sampling and simulation, not for keys. */
#include "sampling/philox.h"

enum { ROUNDS = 10 };

#define MULTIPLIER_0 UINT64_C(0xD2511F53)
#define MULTIPLIER_1 UINT64_C(0xCD9E8D57)
#define WEYL_0 UINT32_C(0x9E3779B9) /* golden ratio */
#define WEYL_1 UINT32_C(0xBB67AE85) /* sqrt(3) - 1 */

void ph_philox(const uint32_t counter[4], const uint32_t key[2],
               uint32_t out[4])
{
    uint32_t x0 = counter[0], x1 = counter[1];
    uint32_t x2 = counter[2], x3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = MULTIPLIER_0 * x0;
        uint64_t p1 = MULTIPLIER_1 * x2;

        x0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0;
        x2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
        x1 = (uint32_t)p1;
        x3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

uint64_t ph_random_bits(uint64_t seed, uint64_t step)
{
    uint32_t counter[4] = {(uint32_t)step, (uint32_t)(step >> 32), 0, 0};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t out[4];

    ph_philox(counter, key, out);
    return out[0] | (uint64_t)out[1] << 32;
}
