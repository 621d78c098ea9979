/* SPDX-License-Identifier: MIT
 * saved.h - the header of a saved session; private to lib/session. Its fields,
 * and what follows it, are described in doc/session-file.md. */
#ifndef PH_SAVED_H
#define PH_SAVED_H

#include "session/session_state.h"

enum {
    PH_SAVED_VERSION = 2,
    PH_SAVED_PLAIN = 1,       /* of what was computed without adapters */
    PH_SAVED_HEADER = 160,    /* bytes, the checksum included */
    PH_SAVED_CHECKSUM = 8,    /* at the end of the header and of each block */
    PH_SAVED_BLOCK = 1 << 20, /* bytes of data under one checksum, at most */
    PH_SAVED_PENDING = 4      /* bytes of an incomplete character */
};

typedef struct ph_saved {
    uint64_t size; /* of everything */
    uint64_t fingerprint;
    uint64_t page_bytes;
    uint32_t n_vocab;
    uint32_t cache_format;
    uint32_t rope;
    uint32_t n_tokens;
    uint32_t n_computed;
    uint32_t logits_len;
    uint64_t n_draws;

    bool active, ended, at_start;
    uint32_t reason;
    uint32_t start;
    uint32_t n_pending;
    uint8_t pending[PH_SAVED_PENDING];
    uint64_t n_generated;
    uint64_t held_len;
    uint64_t safe;
    ph_tally text, stop;
    uint64_t adapters; /* ph_sequence_adapters() */
} ph_saved;

/* ---- saved_header.c ---------------------------------------------------- */

/* What a session would be saved as. */
ph_saved ph_saved_of(const ph_session *session);

void ph_saved_encode(const ph_saved *saved, uint8_t bytes[PH_SAVED_HEADER]);

/* Whether these are bytes of a saved session, and of which version. */
bool ph_saved_is(const uint8_t bytes[PH_SAVED_HEADER], uint32_t *version);

/* False if the header has something where nothing may be. */
bool ph_saved_decode(const uint8_t bytes[PH_SAVED_HEADER], ph_saved *saved);

/* The checksum at the end of a header. */
uint64_t ph_saved_checksum(const uint8_t bytes[PH_SAVED_HEADER]);

/* What saved->size must be; false if the other fields cannot be right. */
bool ph_saved_size(const ph_saved *saved, uint64_t *size);

/* Pages of keys and values. */
uint32_t ph_saved_pages(const ph_saved *saved);

/* ---- saved_check.c ----------------------------------------------------- */

/* The bytes are a header that this version knows, everything is size bytes
 * long, and the session can take it: *saved holds nothing then that could lead
 * outside of what is read. name is for messages. */
phial_status ph_saved_check(const uint8_t bytes[PH_SAVED_HEADER], uint64_t size,
                            const ph_session *session, const char *name,
                            ph_saved *saved);

/* The same for what follows the header. logits may be NULL. */
phial_status ph_saved_check_data(const ph_saved *saved, const ph_tokens *tokens,
                                 const ph_buf *held, const float *logits,
                                 const char *name);

/* The turn of a header, without its text. False if no turn can be so. */
bool ph_saved_turn(const ph_saved *saved, const ph_tokenizer *tokenizer,
                   ph_turn *turn);

#endif /* PH_SAVED_H */
