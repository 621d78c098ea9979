/* SPDX-License-Identifier: MIT
 * api_fixture.h - what the programs in tests/api share. They link the shared
 * library and see nothing but include/. */
#ifndef PH_API_FIXTURE_H
#define PH_API_FIXTURE_H

#include <phial/phial.h>

#include "check_main.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_TEXT = 4096, N_FAMILIES = 4 };

/* The families of which there are tiny models. */
extern const char *const families[N_FAMILIES];

/* Longer than the first context of the tiny LongRoPE models. */
extern const char prompt[];

/* A tiny model's path, by the name of its family. The files lie in the
 * directory named by PHIAL_TEST_MODELS. */
const char *model_path(const char *family);

phial_model *open_model(const char *family, uint32_t n_threads);
phial_session *new_session(const phial_model *model);

/* A session of phi-4-mini with text queued; its model is freed with it. */
phial_session *session_with(const char *text);

/* What a turn gave: text, tokens and how it ended. */
typedef struct turn {
    char text[MAX_TEXT];
    size_t len;
    uint32_t n_tokens, n_events;
    float logprob;
    uint32_t logprob_bits; /* a hash of those of every event */
    int32_t reason;
} turn;

void add_event(turn *t, const phial_event *event);

/* Adds events to a turn until there is none; the status then. */
phial_status take_events(phial_session *session, turn *t);

/* Runs to the end of the turn; any error fails the test. */
turn run_turn(phial_session *session);

/* All tokens that the session holds; the caller frees them. */
phial_token *held_tokens(const phial_session *session, size_t *n);

/* A copy of the logits that follow; the caller frees them. */
float *next_logits(phial_session *session, size_t *n);

/* ---- Sessions ---------------------------------------------------------- */

phial_session *small_session(uint32_t n_context);

/* With the prompt queued and seeded(40) set. */
phial_session *prepared_of(const phial_model *model, uint32_t n_prefill);

/* The same; its model is freed with it. */
phial_session *prepared(const char *family, uint32_t n_threads,
                        uint32_t n_prefill);

/* ---- Sampling ---------------------------------------------------------- */

void set_sampling(phial_session *session, phial_sampling s);

/* n tokens, whatever they are. */
phial_sampling just(uint64_t n);

/* Random enough that different bits would soon give different tokens. */
phial_sampling seeded(uint64_t n);

/* Makes the model say nothing but one token, which must stay where it is. */
phial_sampling only(const phial_token *token);

bool is_whole_utf8(const char *text, size_t len);

/* ---- The cases of test_generate.c -------------------------------------- */

TCase *bits_case(void);
TCase *chat_case(void);
TCase *score_case(void);

/* ---- Of test_alloc_failure.c -------------------------------------------- */

TCase *growth_case(void);

/* ---- Of test_manners.c ------------------------------------------------- */

TCase *memory_case(void);

/* ---- Of test_threads.c ------------------------------------------------- */

TCase *chaos_case(void);

#endif /* PH_API_FIXTURE_H */
