/* SPDX-License-Identifier: MIT
 * crossing_fixture.h - what the tests of the LongRoPE switch share: a model of
 * one layer that switches where the real ones do, what follows some tokens on
 * both sides of that, and sessions that must give the same. */
#ifndef PH_CROSSING_FIXTURE_H
#define PH_CROSSING_FIXTURE_H

#include "goldens.h"
#include "saved_fixture.h"

enum {
    ORIGINAL = 4096, /* read with short factors, and no more */
    N_LENGTHS = 4,
    MAX_LENGTH = 4160,
    N_TOKENS = 4161,
    N_FORMATS = 3 /* F32, F16 and Q8 */
};

extern const size_t lengths[N_LENGTHS];

/* Set before Check forks for each test: the tokens, and what follows so many of
 * them when they are given in one call. */
extern const phial_token *tokens;
extern float *wanted[N_FORMATS][N_LENGTHS];
extern size_t n_vocab;

void compute_wanted(void);
void free_wanted(void);

phial_session *session_with_options(const phial_model *model, int format,
                                    uint32_t n_prefill, int32_t rope,
                                    uint32_t flags);

/* With automatic factors; takes over nothing that others computed. */
phial_session *private_session(const phial_model *model, int format,
                               uint32_t n_prefill);

size_t held(const phial_session *session);

/* The tokens up to n, step at a time, each step computed before the next. */
void grow(phial_session *session, size_t n, size_t step);

/* The logits that follow the n tokens held have the bits of want. */
void check_logits(phial_session *session, const float *want, size_t n,
                  const char *what);

/* The session holds one of the lengths, and its logits have the bits of those
 * wanted. */
void check_same(phial_session *session, int format, const char *what);

/* Of the first n tokens, given in one call; the caller frees them. */
float *logits_of(const phial_model *model, int format, size_t n, int32_t rope);

/* ---- The cases of test_crossing.c -------------------------------------- */

/* Generation, alone and in steps. */
void add_crossing_turns(TCase *t);

#endif /* PH_CROSSING_FIXTURE_H */
