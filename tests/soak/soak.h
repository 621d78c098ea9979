/* SPDX-License-Identifier: MIT
 * soak.h - a long run of mixed requests. A talk is one of them: a session that
 * is told something, answers, and is told more. What is said and what comes
 * back depend on the model and on one random number; whatever else befalls the
 * talk (company, copies, saving, cancelling, errors) must not show in it. */
#ifndef PH_SOAK_H
#define PH_SOAK_H

#include <phial/phial.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_GROUP = 8, MAX_ANSWER = 1 << 14, LONGEST_CONTEXT = 384 };

/* Sebastiano Vigna's splitmix64. */
uint64_t draw(uint64_t *state);

/* Ends the program with a sentence; must_be() does so unless the status is
 * as it must be. */
void give_up(const char *why);
void must_be(phial_status got, phial_status want, const char *what);

/* ---- soak_talk.c ------------------------------------------------------- */

/* What happened in all talks. */
typedef struct tally {
    uint64_t n_turns, n_stops[6]; /* by PHIAL_STOP_* */
    uint64_t n_prompt, n_reused, n_generated, n_drafted, n_accepted;
    uint64_t n_full; /* talks that ended because their context was full */
    uint64_t n_cancelled, n_forks, n_loads, n_rewinds, n_refused;
} tally;

typedef struct talk {
    const phial_model *model;
    uint64_t content; /* where its words come from */
    uint64_t fate;    /* where what befalls it comes from; 0: nothing does */
    phial_session_options options;
    phial_sampling sampling;
    phial_session *session;
    phial_chat *chat; /* NULL: it is told plain text */
    int n_turns;      /* to come */
    char answer[MAX_ANSWER];
    size_t answer_len;
    uint64_t digest; /* of all that it gave */
    tally *tally;
} talk;

/* number says which talk it is. */
void talk_begin(talk *t, const phial_model *model, uint64_t number, bool alone,
                tally *sums);

/* Says the next thing; false: there is none, or no room for it. */
bool talk_say(talk *t);

/* Takes what has come; true once the answer is complete. */
bool talk_hear(talk *t);

/* A session like its own takes the place of that, which is freed. */
void talk_go_on_with(talk *t, phial_session *session);

/* Frees what it has; its digest is then complete. */
void talk_end(talk *t);

size_t talk_held(const talk *t);

/* The context of every session, in tokens. */
uint32_t context_of(const phial_model *model);

/* ---- soak_fate.c ------------------------------------------------------- */

/* Something happens to the talk, or nothing, in the middle of a turn. */
void talk_meet(talk *t);

/* Frees what is left of that. */
void fate_end(void);

/* ---- soak_cancel.c ----------------------------------------------------- */

/* A thread that cancels those shown to it; returns how often it did. */
void canceller_start(void);
uint64_t canceller_stop(void);

/* Shows it a session in place of another; either may be NULL. One that is shown
 * must not be freed. */
void canceller_show(const phial_session *old, phial_session *session);

/* ---- soak_cache.c ------------------------------------------------------ */

/* Makes ready for cache_empty() with models of the same file; returns the bytes
 * that a session takes at most. */
uint64_t cache_prepare(const phial_model *model);
void cache_end(void);

/* Keys and values of all sessions. */
uint64_t cache_bytes(const phial_model *model);

/* Drives out what is kept of sessions that are gone. There must be no others.
 */
void cache_empty(const phial_model *model);

/* ---- soak_memory.c ----------------------------------------------------- */

/* The model's heap, which counts. */
void *counting_alloc(void *user, size_t size, size_t alignment);
void counting_free(void *user, void *ptr, size_t size, size_t alignment);

enum { MAX_SAMPLES = 40 }; /* and a multiple of 4 of them */

/* Counts blocks of the whole program from here on. */
void memory_begin(void);

/* Prints and keeps what is in use when no session is left, and nothing is
 * cached; cache is what was, just before. */
void memory_sample(uint64_t n_requests, uint64_t cache);

/* False, with a sentence, if memory grew between the samples. */
bool memory_is_steady(void);

/* Blocks that came from counting_alloc() and were not freed. */
long memory_hook_blocks(void);

#endif /* PH_SOAK_H */
