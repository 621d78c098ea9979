/* SPDX-License-Identifier: MIT
 * Empties the cache of a model that has a limit: nothing in phial.h does, so
 * all of the room is taken once, by sessions that share nothing. */
#include "soak.h"

#include <stdlib.h>

static uint8_t *full; /* a session with a full context, saved */
static size_t full_len;

static phial_session *new_full(const phial_model *model)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_session *session = NULL;

    o.flags = PHIAL_SESSION_PRIVATE;
    o.cache_format = PHIAL_CACHE_F32;
    o.n_context = context_of(model);
    must_be(phial_session_new(model, &o, &session), PHIAL_OK, "a session");
    return session;
}

uint64_t cache_prepare(const phial_model *model)
{
    phial_session *session = new_full(model);
    phial_memory memory = PHIAL_INIT(phial_memory);
    phial_token tokens[LONGEST_CONTEXT];
    size_t left;

    for (int i = 0; i < LONGEST_CONTEXT; i++)
        tokens[i] = i % 100;
    must_be(phial_session_add_tokens(session, tokens, context_of(model)),
            PHIAL_OK, "tokens");
    must_be(phial_session_prefill(session, SIZE_MAX, &left), PHIAL_OK,
            "reading");
    must_be(phial_session_get_memory(session, &memory), PHIAL_OK, "memory");
    phial_session_save_bytes(session, NULL, 0, &full_len);
    full = malloc(full_len);
    if (!full)
        give_up("no memory");
    must_be(phial_session_save_bytes(session, full, full_len, &full_len),
            PHIAL_OK, "saving");
    phial_session_free(session);
    return memory.cache_max;
}

void cache_end(void)
{
    free(full);
}

uint64_t cache_bytes(const phial_model *model)
{
    phial_memory memory = PHIAL_INIT(phial_memory);

    must_be(phial_model_get_memory(model, &memory), PHIAL_OK, "memory");
    return memory.cache;
}

void cache_empty(const phial_model *model)
{
    enum { ENOUGH = 2 * MAX_GROUP };
    phial_session *sessions[ENOUGH];
    phial_status status = PHIAL_OK;
    size_t n = 0;

    while (n < ENOUGH && status >= 0) {
        sessions[n] = new_full(model);
        status = phial_session_load_bytes(sessions[n++], full, full_len);
    }
    must_be(status, PHIAL_E_MEMORY, "more than the limit");
    while (n > 0)
        phial_session_free(sessions[--n]);
    if (cache_bytes(model))
        give_up("keys and values are kept though there was no room for them");
}
