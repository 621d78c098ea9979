/* SPDX-License-Identifier: MIT
 * Saving a session: a header, then what it describes, in blocks with a checksum
 * each. A block's checksum begins with the one before it, so that blocks cannot
 * be exchanged, left out or taken from another file. */
#include "session/saved.h"

typedef struct writer {
    const ph_sink *sink;
    uint64_t checksum; /* the last one */
} writer;

static phial_status put(const writer *w, const void *data, size_t n)
{
    return w->sink->write(w->sink->user, data, n);
}

static phial_status put_section(writer *w, const void *data, size_t n)
{
    const uint8_t *from = data;

    while (n > 0) {
        const size_t block = n < PH_SAVED_BLOCK ? n : PH_SAVED_BLOCK;
        uint8_t checksum[PH_SAVED_CHECKSUM];

        w->checksum = ph_xxh64(from, block, w->checksum);
        ph_put_le64(checksum, w->checksum);
        PH_TRY(put(w, from, block));
        PH_TRY(put(w, checksum, sizeof checksum));
        from += block;
        n -= block;
    }
    return PHIAL_OK;
}

static phial_status put_header(writer *w, const ph_saved *saved)
{
    uint8_t bytes[PH_SAVED_HEADER];

    ph_saved_encode(saved, bytes);
    w->checksum = ph_saved_checksum(bytes);
    return put(w, bytes, sizeof bytes);
}

/* space has room for the last page, if that is not full. */
static phial_status put_pages(writer *w, const ph_session *session,
                              uint32_t n_pages, uint8_t *space)
{
    const size_t bytes = ph_sequence_page_bytes(session->sequence);

    for (uint32_t i = 0; i < n_pages; i++)
        PH_TRY(put_section(w, ph_sequence_page(session->sequence, i, space),
                           bytes));
    return PHIAL_OK;
}

static phial_status put_all(const ph_session *session, const ph_saved *saved,
                            const ph_sink *sink, uint8_t *space)
{
    writer w = {.sink = sink};

    PH_TRY(put_header(&w, saved));
    PH_TRY(put_section(&w, session->tokens.data,
                       session->tokens.len * sizeof *session->tokens.data));
    PH_TRY(put_section(&w, session->turn.held.data, session->turn.held.len));
    if (session->logits_len)
        PH_TRY(
            put_section(&w, session->logits,
                        session->model->hp.n_vocab * sizeof *session->logits));
    return put_pages(&w, session, ph_saved_pages(saved), space);
}

/* What is to be saved: nothing that is computed ahead of what the session
 * holds.
 */
static ph_saved describe(ph_session *session)
{
    ph_session_drop_draft(session);
    return ph_saved_of(session);
}

uint64_t ph_session_saved_size(ph_session *session)
{
    return describe(session).size;
}

phial_status ph_session_save(ph_session *session, const ph_sink *sink)
{
    const ph_saved saved = describe(session);
    uint8_t *space = NULL;
    phial_status status;

    if (saved.n_computed % PH_PAGE != 0) {
        space = ph_alloc_raw(session->heap, (size_t)saved.page_bytes);
        if (!space)
            return ph_no_memory("saving a page", (size_t)saved.page_bytes);
    }
    status = put_all(session, &saved, sink, space);
    ph_free(session->heap, space);
    return status;
}
