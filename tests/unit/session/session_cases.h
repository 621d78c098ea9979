/* SPDX-License-Identifier: MIT
 * session_cases.h - what the session's test files share: a tiny model, its
 * threads, and sessions of it. */
#ifndef PH_TEST_SESSION_CASES_H
#define PH_TEST_SESSION_CASES_H

#include "check_main.h"
#include "session/session.h"
#include "tiny_model.h"

enum { MAX_LENGTH = 140 };

typedef struct world {
    char path[64];
    ph_heap heap;
    ph_model *model;
    ph_pool *pool;
} world;

void open_world(world *w, tiny_family family, ph_dtype type);
void close_world(world *w);

ph_session *start(const world *w, int32_t rope);

/* n tokens that any tiny model knows. */
void make_tokens(phial_token *tokens, size_t n);

TCase *drafts_case(void);
TCase *forged_cases(void);

#endif /* PH_TEST_SESSION_CASES_H */
