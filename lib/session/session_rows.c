/* SPDX-License-Identifier: MIT
 * Logits behind many tokens at once, for comparisons and measurements. */
#include "session/session_state.h"

phial_status ph_session_read_to(ph_session *s, size_t n)
{
    size_t length;

    ph_session_drop_draft(s);
    ph_session_choose_rope(s);
    if (ph_sequence_length(s->sequence) > n) {
        ph_sequence_truncate(s->sequence, (uint32_t)n);
        s->n_reading = 0; /* more is left than it began with */
    }
    while ((length = ph_sequence_length(s->sequence)) < n) {
        const size_t left = ph_min(n - length, s->config.n_prefill);

        PH_TRY(ph_session_forward(s, (uint32_t)left, PH_LOGITS_NONE, NULL));
    }
    return PHIAL_OK;
}

/* Rows of the next n tokens that the session holds. */
static phial_status read_rows(ph_session *s, size_t n, float *rows)
{
    const size_t n_vocab = s->model->hp.n_vocab;

    for (size_t done = 0; done < n;) {
        const size_t step = ph_min(n - done, s->config.n_prefill);

        PH_TRY(ph_session_forward(s, (uint32_t)step, PH_LOGITS_ALL,
                                  rows + done * n_vocab));
        done += step;
    }
    return PHIAL_OK;
}

static phial_status check_range(const ph_session *s, size_t first, size_t n)
{
    const size_t held = s->tokens.len;

    if (first > held || n > held - first)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "cannot give logits behind %zu tokens from %zu on: the "
                       "session holds %zu",
                       n, first, held);
    return PHIAL_OK;
}

/* Passes go to rows of our own: buf is to stay as it is if one of them
 * fails. */
static phial_status give_rows(ph_session *s, size_t first, size_t n, float *buf)
{
    const size_t row = s->model->hp.n_vocab * sizeof(float);
    float *rows = ph_alloc(s->heap, n, row);
    phial_status status;

    if (!rows)
        return ph_no_memory("rows of logits", n * row);
    status = ph_session_read_to(s, first);
    if (status >= 0)
        status = read_rows(s, n, rows);
    if (status >= 0)
        memcpy(buf, rows, n * row);
    ph_free(s->heap, rows);
    return status;
}

phial_status ph_session_get_rows(ph_session *session, size_t first,
                                 size_t n_tokens, float *buf, size_t cap,
                                 size_t *n)
{
    const size_t n_vocab = session->model->hp.n_vocab;
    const size_t n_all = n_tokens * n_vocab;

    PH_TRY(ph_session_take_cancel(session));
    PH_TRY(check_range(session, first, n_tokens));
    if (n_tokens > SIZE_MAX / n_vocab)
        return ph_no_memory("rows of logits", SIZE_MAX);
    if (n_all > cap) {
        *n = n_all;
        return ph_fail(PHIAL_E_BUFFER,
                       "buf has room for %zu floats; %zu tokens have %zu", cap,
                       n_tokens, n_all);
    }
    if (n_tokens)
        PH_TRY(give_rows(session, first, n_tokens, buf));
    *n = n_all;
    return PHIAL_OK;
}
