/* SPDX-License-Identifier: MIT
 * philox.h - a counter-based random generator: word n of a stream is a pure
 * function of (key, n), so a draw never depends on what was drawn before. */
#ifndef PH_PHILOX_H
#define PH_PHILOX_H

#include <stdint.h>

/* Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011. */
void ph_philox(const uint32_t counter[4], const uint32_t key[2],
               uint32_t out[4]);

/* 64 uniform random bits: words 0 (low) and 1 (high) of the block whose counter
 * is step and whose key is seed. */
uint64_t ph_random_bits(uint64_t seed, uint64_t step);

#endif /* PH_PHILOX_H */
