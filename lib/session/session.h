/* SPDX-License-Identifier: MIT
 * session.h - a conversation with a model: queued input, chunked prefill,
 * generation, stop rules, and the stream of events. Owns one sequence and
 * decides which rotary factors it is read with. Not thread-safe, except
 * ph_session_cancel. */
#ifndef PH_SESSION_H
#define PH_SESSION_H

#include "chat/chat.h"
#include "engine/engine.h"
#include "sampling/sampling.h"

typedef struct ph_session ph_session;

typedef struct ph_session_config {
    uint32_t n_context; /* 0: the model's */
    int32_t cache_format;
    uint32_t n_prefill;         /* 0: default */
    int32_t rope;               /* PHIAL_ROPE_* */
    bool is_private;            /* shares no pages with other sessions */
    bool no_drafts;             /* one pass for each token */
    phial_progress_fn progress; /* may be NULL */
    void *progress_user;
    const ph_log *log;    /* may be NULL; must outlive the session */
    ph_page_store *store; /* must outlive the session */
} ph_session_config;

/* Checks the configuration against the model and fills in defaults. */
phial_status ph_session_resolve(const ph_hparams *hp,
                                ph_session_config *config);

/* Bytes of a session with a resolved configuration; false on overflow. */
bool ph_session_estimate(const ph_hparams *hp, const ph_session_config *config,
                         ph_sequence_bytes *bytes);

/* model and pool must outlive the session. config need not be resolved. */
phial_status ph_session_new(const ph_model *model, ph_pool *pool,
                            const ph_session_config *config, ph_session **out);
void ph_session_free(ph_session *session);

phial_status ph_session_set_sampling(ph_session *session,
                                     const phial_sampling *sampling);

/* The adapters must outlive the session and its forks. */
phial_status ph_session_set_adapters(ph_session *session,
                                     const ph_adapter *const *adapters,
                                     const float *scales, size_t n);

/* The functions from here on are those of phial.h, with arguments checked:
 * pointers are good, flags known. Token ids and counts are checked here. */
phial_status ph_session_add_text(ph_session *session, ph_str text,
                                 uint32_t flags);
phial_status ph_session_add_tokens(ph_session *session,
                                   const phial_token *tokens, size_t n);
phial_status ph_session_set_chat(ph_session *session, const ph_chat *chat);
phial_status ph_session_prefill(ph_session *session, size_t max_tokens,
                                size_t *left);
phial_status ph_session_next(ph_session *session, phial_event *event);
void ph_session_cancel(ph_session *session);

/* phial_step: the sessions, which differ, are added one by one. What becomes of
 * each is told by ph_session_next. PHIAL_END: all turns are over. */
typedef struct ph_step {
    ph_session *first, *last;
    ph_session *host; /* whose work buffers have room for most */
} ph_step;

void ph_step_add(ph_step *step, ph_session *session);
phial_status ph_step_run(ph_step *step);

/* A copy of the session in every respect but its statistics. */
phial_status ph_session_fork(const ph_session *session, ph_session **out);

/* Where the bytes of a saved session go, in order, and where they come from;
 * name is for messages. Reading gets exactly n bytes or fails. */
typedef struct ph_sink {
    phial_status (*write)(void *user, const void *data, size_t n);
    void *user;
} ph_sink;

typedef struct ph_source {
    phial_status (*read)(void *user, uint64_t offset, void *buf, size_t n);
    void *user;
    uint64_t size; /* of all of it */
    const char *name;
} ph_source;

/* doc/session-file.md describes the bytes. Loading reads and checks all of them
 * before it changes the session. */
uint64_t ph_session_saved_size(ph_session *session);
phial_status ph_session_save(ph_session *session, const ph_sink *sink);
phial_status ph_session_load(ph_session *session, const ph_source *source);

phial_status ph_session_get_logits(ph_session *session, const float **logits,
                                   size_t *n);
phial_status ph_session_get_rows(ph_session *session, size_t first,
                                 size_t n_tokens, float *buf, size_t cap,
                                 size_t *n);
phial_status ph_session_get_top(ph_session *session, phial_token *tokens,
                                float *logprobs, size_t cap, size_t *n);
phial_status ph_session_get_tokens(const ph_session *session, phial_token *buf,
                                   size_t cap, size_t *n);
phial_status ph_session_rewind(ph_session *session, size_t n);
phial_status ph_session_score(ph_session *session, const phial_token *tokens,
                              size_t n, float *logprobs);
void ph_session_get_stats(const ph_session *session, phial_stats *stats);
void ph_session_get_bytes(const ph_session *session, ph_sequence_bytes *bytes);

#endif /* PH_SESSION_H */
