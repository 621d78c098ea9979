/* SPDX-License-Identifier: MIT
 * Loading a session that was saved. Everything is read and checked beside the
 * session, which takes it over at the end; that cannot fail. */
#include "session/saved.h"

typedef struct reader {
    const ph_source *source;
    uint64_t at;
    uint64_t checksum; /* the last one */
} reader;

/* What was read, not yet of the session. */
typedef struct loaded {
    ph_saved saved;
    ph_tokens tokens;
    ph_buf held;
    float *logits; /* NULL: there are none */
    ph_sequence *sequence;
} loaded;

static phial_status get(reader *r, void *to, size_t n)
{
    PH_TRY(r->source->read(r->source->user, r->at, to, n));
    r->at += n;
    return PHIAL_OK;
}

/* What is checked is what was read, wherever it came from. */
static phial_status get_section(reader *r, void *data, size_t n)
{
    uint8_t *to = data;

    while (n > 0) {
        const size_t block = n < PH_SAVED_BLOCK ? n : PH_SAVED_BLOCK;
        const uint64_t from = r->at;
        uint8_t checksum[PH_SAVED_CHECKSUM];

        PH_TRY(get(r, to, block));
        PH_TRY(get(r, checksum, sizeof checksum));
        r->checksum = ph_xxh64(to, block, r->checksum);
        if (r->checksum != ph_le64(checksum))
            return ph_fail(PHIAL_E_FORMAT,
                           "%s: bytes %llu to %llu are damaged: their checksum "
                           "is another",
                           ph_show_path(r->source->name).text,
                           (unsigned long long)from,
                           (unsigned long long)r->at - 1);
        to += block;
        n -= block;
    }
    return PHIAL_OK;
}

static phial_status get_header(reader *r, const ph_session *session,
                               ph_saved *saved)
{
    uint8_t bytes[PH_SAVED_HEADER];

    if (r->source->size < sizeof bytes)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: %llu bytes are no saved session, whose header has "
                       "%d",
                       ph_show_path(r->source->name).text,
                       (unsigned long long)r->source->size, PH_SAVED_HEADER);
    PH_TRY(get(r, bytes, sizeof bytes));
    r->checksum = ph_saved_checksum(bytes);
    return ph_saved_check(bytes, r->source->size, session, r->source->name,
                          saved);
}

static phial_status get_tokens(reader *r, const ph_saved *saved,
                               ph_tokens *tokens)
{
    PH_TRY(ph_tokens_reserve(tokens, saved->n_tokens));
    tokens->len = saved->n_tokens;
    return get_section(r, tokens->data, tokens->len * sizeof *tokens->data);
}

static phial_status get_held(reader *r, const ph_saved *saved, ph_buf *held)
{
    const size_t n = (size_t)saved->held_len;
    char *space;

    if (!n)
        return PHIAL_OK;
    space = saved->held_len < SIZE_MAX ? ph_alloc_raw(held->heap, n + 1) : NULL;
    if (!space)
        return ph_no_memory("the text of a turn", n);
    held->data = space;
    held->len = n;
    held->cap = n + 1;
    space[n] = 0;
    return get_section(r, space, n);
}

static phial_status get_logits(reader *r, const ph_saved *saved,
                               const ph_heap *heap, float **logits)
{
    if (!saved->logits_len)
        return PHIAL_OK;
    *logits = ph_alloc(heap, saved->n_vocab, sizeof **logits);
    if (!*logits)
        return ph_no_memory("a session's logits",
                            saved->n_vocab * sizeof **logits);
    return get_section(r, *logits, saved->n_vocab * sizeof **logits);
}

static phial_status get_pages(reader *r, const ph_saved *saved,
                              ph_sequence *sequence)
{
    uint8_t *data;

    for (uint32_t done = 0; done < saved->n_computed; done += PH_PAGE) {
        const uint32_t left = saved->n_computed - done;

        PH_TRY(ph_sequence_add_page(sequence, left < PH_PAGE ? left : PH_PAGE,
                                    (int)saved->rope, &data));
        PH_TRY(get_section(r, data, (size_t)saved->page_bytes));
    }
    return PHIAL_OK;
}

static phial_status get_all(const ph_session *session, const ph_source *source,
                            loaded *l)
{
    reader r = {.source = source};

    PH_TRY(get_header(&r, session, &l->saved));
    PH_TRY(get_tokens(&r, &l->saved, &l->tokens));
    PH_TRY(get_held(&r, &l->saved, &l->held));
    PH_TRY(get_logits(&r, &l->saved, session->heap, &l->logits));
    PH_TRY(ph_saved_check_data(&l->saved, &l->tokens, &l->held, l->logits,
                               source->name));
    PH_TRY(ph_sequence_new_like(session->sequence, &l->sequence));
    return get_pages(&r, &l->saved, l->sequence);
}

/* Exchanges what the session holds for what was read. How its turn goes on,
 * alone or by phial_step, is up to the next call. */
static void take_over(ph_session *session, loaded *l)
{
    const loaded old = {.tokens = session->tokens,
                        .held = session->turn.held,
                        .logits = l->logits ? session->logits : NULL,
                        .sequence = session->sequence};

    session->tokens = l->tokens;
    session->sequence = l->sequence;
    if (l->logits)
        session->logits = l->logits;
    session->logits_len = l->saved.logits_len;
    session->rope = (int)l->saved.rope;
    session->n_draws = l->saved.n_draws;
    ph_saved_turn(&l->saved, session->model->tokenizer, &session->turn);
    session->turn.held = l->held;
    session->draft.n = 0;
    session->n_reading = 0;
    session->stepped = false;
    session->failure.status = PHIAL_OK;
    *l = old;
}

phial_status ph_session_load(ph_session *session, const ph_source *source)
{
    loaded l = {.tokens.heap = session->heap, .held.heap = session->heap};
    const phial_status status = get_all(session, source, &l);

    if (status >= 0)
        take_over(session, &l);
    ph_tokens_free(&l.tokens);
    ph_buf_free(&l.held);
    ph_free(session->heap, l.logits);
    ph_sequence_free(l.sequence);
    return status;
}
