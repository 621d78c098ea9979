/* SPDX-License-Identifier: MIT
 * sampling.h - from logits to a token, and when to stop. */
#ifndef PH_SAMPLING_H
#define PH_SAMPLING_H

#include "base/base.h"
#include "kernels/kernels.h"

/* ---- Choosing a token -------------------------------------------------- */

typedef struct ph_sampler ph_sampler;

/* banned: a bit per token that is never chosen (bit id % 64 of word id / 64);
 * NULL: none. It must outlive the sampler. */
phial_status ph_sampler_new(const ph_heap *heap, uint32_t n_vocab,
                            const uint64_t *banned, ph_sampler **out);
void ph_sampler_free(ph_sampler *sampler);

/* What ph_sampler_new allocates. */
size_t ph_sampler_bytes(uint32_t n_vocab);

/* Checks every field (PHIAL_E_ARGUMENT names it and its range), copies what
 * params points to, and restarts the random stream. On error the sampler keeps
 * what it had. stop and max_tokens are the session's business. */
phial_status ph_sampler_set(ph_sampler *sampler, const phial_sampling *params);

/* to gets the settings and the random stream of from; both are of one
 * vocabulary. On error it keeps what it had. */
phial_status ph_sampler_copy(ph_sampler *to, const ph_sampler *from);

/* Chooses from n_vocab logits. Order: bias; repeat penalty over the last
 * penalty_window of history[0..n_history), presence and frequency over its
 * part from n_input on; temperature; top-k; top-p; min-p; draw. Draw number
 * step of a seed is a pure function of (seed, step): Philox4x32-10 (Salmon et
 * al. 2011). Equal logits: the lowest id wins. logprob, if not NULL, is the
 * token's natural log probability under softmax of the raw logits. Work is
 * linear in the vocabulary; there is no sort of it. A logit that is NaN or
 * infinity, or nothing but -infinity: PHIAL_E_NUMERIC. No token left by bans
 * and biases: PHIAL_E_STATE. doc/sampling.md defines each step. */
phial_status ph_sampler_pick(ph_sampler *sampler, const float *logits,
                             const phial_token *history, size_t n_history,
                             size_t n_input, uint64_t step, phial_token *token,
                             float *logprob);

/* log sum exp of n logits: a token's log probability is its logit less this.
 * Without any logit above -infinity it is -infinity; with a NaN, NaN. */
double ph_log_sum_exp(const float *logits, size_t n);

/* The k likeliest tokens, best first, ties by lowest id, NaN last; k <= n.
 * For small k: a heap of k is kept over one pass. */
void ph_top_k(const float *logits, size_t n, size_t k, phial_token *tokens,
              float *values);

/* ---- Stop texts -------------------------------------------------------- */

/* Finds the first of several stop texts in a stream of pieces, and says how
 * much of the text so far can no longer become part of one. */
typedef struct ph_stops ph_stops;

enum { PH_MAX_STOPS = 16, PH_MAX_STOP_BYTES = 256 };

/* Copies n C strings; an empty one, too many, too long, or one that begins
 * within a UTF-8 character: PHIAL_E_ARGUMENT. */
phial_status ph_stops_new(const ph_heap *heap, const char *const *texts,
                          size_t n, ph_stops **out);
phial_status ph_stops_copy(const ph_stops *stops, ph_stops **out);
void ph_stops_free(ph_stops *stops);

/* text[0..len) is all text not yet emitted. True if a stop text is complete in
 * it: *safe is where that begins. False: *safe bytes may be emitted, the rest
 * may still become a stop text. The first to be complete wins, and of those
 * complete at the same byte the longest: so it does not matter in what pieces
 * the text arrives. *safe never lies within a character of valid UTF-8. */
bool ph_stops_scan(const ph_stops *stops, const char *text, size_t len,
                   size_t *safe);

#endif /* PH_SAMPLING_H */
