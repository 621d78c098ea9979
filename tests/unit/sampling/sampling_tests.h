/* SPDX-License-Identifier: MIT
 * sampling_tests.h - the parts of the sampling suite. */
#ifndef PH_SAMPLING_TESTS_H
#define PH_SAMPLING_TESTS_H

#include "check_main.h"
#include "sampling/sampling.h"

TCase *pick_tests(void);
TCase *reference_tests(void);
TCase *draw_tests(void);
TCase *stop_tests(void);
TCase *memory_tests(void);

/* A sampler with these settings, seeded with 1 unless they say otherwise. */
ph_sampler *make_sampler(uint32_t n_vocab, const uint64_t *banned,
                         phial_sampling params);

/* Picks with an empty history. */
phial_token pick(ph_sampler *sampler, const float *logits, uint64_t step);

/* A reproducible stream of test data: splitmix64. */
uint64_t next_random(uint64_t *state);
double next_uniform(uint64_t *state); /* 0 <= x < 1 */
double next_normal(uint64_t *state);

#endif /* PH_SAMPLING_TESTS_H */
