/* SPDX-License-Identifier: MIT
 * engine.h - a sequence of tokens, its key-value cache, and the forward pass
 * that extends it. The engine computes; what to compute is decided above. */
#ifndef PH_ENGINE_H
#define PH_ENGINE_H

#include "base/base.h"
#include "model/model.h"
#include "pool/pool.h"

#include <stdatomic.h>

typedef struct ph_sequence ph_sequence;

/* Keys and values of all sequences of a model, by pages. */
typedef struct ph_page_store ph_page_store;

/* limit: bytes of all pages; 0: none, and what no sequence holds is not kept.
 * The store must outlive its sequences. */
phial_status ph_page_store_new(const ph_heap *heap, uint64_t limit,
                               ph_page_store **out);

/* NULL is accepted. */
void ph_page_store_free(ph_page_store *store);

/* Of all pages, those that no sequence holds included. */
uint64_t ph_page_store_bytes(ph_page_store *store);

enum { PH_MAX_BATCH = 65536 };

typedef struct ph_sequence_config {
    uint32_t n_context;   /* tokens it may hold */
    uint32_t n_batch;     /* tokens per forward pass, <= PH_MAX_BATCH */
    int32_t cache_format; /* PHIAL_CACHE_F32, _F16 or _Q8 */
    ph_page_store *store; /* NULL: one of its own */
} ph_sequence_config;

/* model and pool must outlive the sequence. */
phial_status ph_sequence_new(const ph_model *model, ph_pool *pool,
                             const ph_sequence_config *config,
                             ph_sequence **out);
void ph_sequence_free(ph_sequence *sequence);

/* Another one with the same adapters that holds the same tokens and shares
 * their pages, until one of them writes to such a page. */
phial_status ph_sequence_fork(const ph_sequence *sequence, ph_sequence **out);

/* An empty one with the same configuration and adapters. */
phial_status ph_sequence_new_like(const ph_sequence *sequence,
                                  ph_sequence **out);

/* Makes an empty sequence be computed with scales[i] times adapters[i] added to
 * the weights, in this order, instead of what it had before; a scale of 0 adds
 * nothing. n <= PH_MAX_ADAPTERS. The adapters are of the sequence's model and
 * must outlive it and what is made of it. */
enum { PH_MAX_ADAPTERS = 16 };

phial_status ph_sequence_set_adapters(ph_sequence *sequence,
                                      const ph_adapter *const *adapters,
                                      const float *scales, size_t n);

/* Of the adapters and scales, by any library version; 0: there are none. */
uint64_t ph_sequence_adapters(const ph_sequence *sequence);

uint32_t ph_sequence_length(const ph_sequence *sequence);

/* Forgets all but the first length tokens. */
void ph_sequence_truncate(ph_sequence *sequence, uint32_t length);

/* Lets other sequences of the store take over the full pages of this one, as
 * far as it holds the first n of these tokens. */
void ph_sequence_share_pages(ph_sequence *sequence, const phial_token *tokens,
                             uint32_t n);

/* Takes over pages of others, as far as they continue this sequence with the
 * first n of these tokens, which begin with those it holds. Returns its length
 * after that; rope as in ph_part. */
uint32_t ph_sequence_take_pages(ph_sequence *sequence,
                                const phial_token *tokens, uint32_t n,
                                int rope);

/* Keys and values as bytes: a page holds those of PH_PAGE tokens, each page of
 * a sequence equally many bytes. doc/session-file.md says how they lie. */
size_t ph_sequence_page_bytes(const ph_sequence *sequence);

/* Page i of those that hold tokens, borrowed until the sequence changes. Of a
 * page that is not full what belongs to no token is zero; for it space has room
 * for a page, which may be what is returned. */
const uint8_t *ph_sequence_page(const ph_sequence *sequence, uint32_t i,
                                uint8_t *space);

/* Lengthens the sequence, which has whole pages only, by n <= PH_PAGE tokens.
 * *data is their page, for the caller to write before anything else is done
 * with the sequence. From then on its pages are not shared with others, which
 * could not know that the bytes are what they would have computed. */
phial_status ph_sequence_add_page(ph_sequence *sequence, uint32_t n, int rope,
                                  uint8_t **data);

enum { PH_LOGITS_NONE, PH_LOGITS_LAST, PH_LOGITS_ALL };

/* What one sequence takes in during a forward pass: n <= n_batch tokens at
 * positions length.., rotary factors by rope (PH_ROPE_*), the same for all
 * tokens that a sequence holds. logits: n_vocab floats for PH_LOGITS_LAST,
 * n * n_vocab for PH_LOGITS_ALL. states, if not NULL: n * n_embd floats, the
 * hidden state of each token behind the final norm. cancel, if not NULL, is
 * looked at once a layer: when it is not 0 the part ends as PHIAL_E_CANCELLED.
 */
typedef struct ph_part {
    ph_sequence *sequence;
    const phial_token *tokens;
    uint32_t n;
    int rope;
    int want;
    float *logits;
    float *states;
    const atomic_int *cancel;

    ph_failure failure;     /* what became of it */
    bool cancelled;         /* private */
    atomic_bool not_finite; /* private: a logit or state is NaN or infinite */
} ph_part;

/* One forward pass over the weights for parts of different sequences of one
 * model, in the work buffers of host, one of its sequences: together they have
 * at most its n_batch tokens. A part gets the bits that it would get alone. A
 * part that fails (failure.status below 0) does not disturb the others: its
 * sequence is as before, but its logits and states may have been written to.
 * One that is NaN or infinite: PHIAL_E_NUMERIC. On any error of the call itself
 * all sequences are as before. */
phial_status ph_forward_parts(const ph_sequence *host, ph_part *const *parts,
                              uint32_t n_parts);

/* The same for one sequence; returns its failure. */
phial_status ph_sequence_forward(ph_sequence *sequence,
                                 const phial_token *tokens, uint32_t n,
                                 int rope, int want, float *logits,
                                 const atomic_int *cancel);

/* The hidden states of n tokens behind the final norm, without logits. */
phial_status ph_sequence_states(ph_sequence *sequence,
                                const phial_token *tokens, uint32_t n, int rope,
                                float *states);

/* The direction of a text of 1 to n_context tokens as n_embd floats: the hidden
 * states behind the final norm, of the last token or the mean of all, scaled to
 * length 1. pooling: PHIAL_POOL_*. Keys and values are F32, in pages of the
 * store, for as long as it takes. The states are read with the rotary factors
 * that the whole text wants. The bits depend on the tokens alone. */
phial_status ph_embed(const ph_model *model, ph_pool *pool,
                      ph_page_store *store, const phial_token *tokens,
                      uint32_t n, int32_t pooling, float *out);

/* For each input of the layers' matrices and for that of the head: the sum of
 * the squares of each of its elements, over all tokens. */
typedef struct ph_importance {
    const ph_model *model;
    uint64_t n_tokens;
    uint32_t n_windows;
    double *sums;
} ph_importance;

/* All zero; the model must outlive it. To be freed in any case. */
phial_status ph_importance_init(ph_importance *importance,
                                const ph_model *model);
void ph_importance_free(ph_importance *importance);

/* As many as the matrices that read the input have columns. */
double *ph_importance_sums(const ph_importance *importance, uint32_t layer,
                           ph_lora_input input);
double *ph_importance_head(const ph_importance *importance);

typedef struct ph_importance_config {
    uint32_t n_context;         /* tokens of a window, more than BOS */
    uint32_t n_batch;           /* of a pass */
    uint32_t max_windows;       /* 0: all */
    phial_token bos;            /* each begins with it; or PHIAL_NO_TOKEN */
    phial_progress_fn progress; /* may be NULL */
    void *progress_user;
} ph_importance_config;

/* Adds what the n tokens of a text give, read in windows side by side of which
 * the last may be shorter. Keys and values are F32, in pages of the store, for
 * as long as it takes. The bits depend on the tokens and windows alone. On
 * error what was added is of no use. */
phial_status ph_importance_read(ph_importance *importance, ph_pool *pool,
                                ph_page_store *store,
                                const ph_importance_config *config,
                                const phial_token *tokens, size_t n);

typedef struct ph_sequence_bytes {
    uint64_t cache;     /* now */
    uint64_t cache_max; /* with n_context tokens */
    uint64_t scratch;
} ph_sequence_bytes;

void ph_sequence_get_bytes(const ph_sequence *sequence,
                           ph_sequence_bytes *bytes);

/* What a sequence would take, before there is one; false on overflow. */
bool ph_sequence_estimate(const ph_hparams *hp,
                          const ph_sequence_config *config,
                          ph_sequence_bytes *bytes);

#endif /* PH_ENGINE_H */
