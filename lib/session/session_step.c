/* SPDX-License-Identifier: MIT
 * Several sessions in one pass over the weights: each whose turn goes on takes
 * in the token that it generated last, or some of its queue. A session's bits
 * and errors are those that it would have alone. */
#include "session/session_state.h"

#include "os/os.h"

/* Sessions of one pass. More go in several. */
enum { MAX_PARTS = 64 };

void ph_step_add(ph_step *step, ph_session *session)
{
    session->after = NULL;
    *(step->last ? &step->last->after : &step->first) = session;
    step->last = session;
    if (!step->host || session->config.n_prefill > step->host->config.n_prefill)
        step->host = session;
}

static bool is_over(const ph_session *session)
{
    return session->turn.reason || session->turn.ended;
}

/* How much the session has to compute before its next token. */
static phial_status prepare(ph_session *session, size_t *left)
{
    bool full;

    *left = 0;
    session->answers = false;
    PH_TRY(ph_session_take_cancel(session));
    PH_TRY(ph_session_check_begun(session));
    PH_TRY(ph_session_begin_turn(session, &full));
    if (full)
        return PHIAL_OK;
    *left = ph_session_left(session);
    session->answers = true;
    return ph_session_begin_reading(session);
}

static void fail(ph_session *session, phial_status status)
{
    ph_failure_keep(&session->failure, status);
    session->answers = false;
    session->n_step = 0;
}

/* Shares out tokens: one to each that decodes, what is left of the passes that
 * these need to those that read, in order. */
static void share_out(const ph_step *step)
{
    const uint32_t batch = step->host->config.n_prefill;
    uint32_t n_decoding = 0;
    size_t room;

    for (ph_session *s = step->first; s; s = s->after)
        n_decoding += s->n_step == 1;
    room = batch - n_decoding % batch;
    for (ph_session *s = step->first; s; s = s->after) {
        const size_t left = s->n_step;

        if (left <= 1)
            continue;
        s->n_step = (uint32_t)ph_min(ph_min(left, s->config.n_prefill), room);
        s->answers = s->n_step == left;
        room -= s->n_step;
    }
}

static ph_part *part_of(ph_session *session)
{
    ph_part *part = &session->part;

    part->sequence = session->sequence;
    part->tokens = session->tokens.data + ph_sequence_length(session->sequence);
    part->n = session->n_step;
    part->rope = session->rope;
    part->want = session->answers ? PH_LOGITS_LAST : PH_LOGITS_NONE;
    part->logits = session->logits;
    part->cancel = &session->cancel;
    if (session->answers)
        session->logits_len = 0; /* about to be overwritten */
    return part;
}

static void end_part(ph_session *session, uint64_t ns)
{
    phial_status status = ph_failure_raise(&session->part.failure);

    if (status == PHIAL_E_CANCELLED)
        status = ph_session_take_cancel(session);
    if (status < 0) {
        fail(session, status);
        return;
    }
    if (session->answers)
        session->logits_len = session->tokens.len;
    status = ph_session_passed(session, session->n_step, ns);
    if (status < 0)
        fail(session, status);
}

/* One pass over sessions from first on, as many as fit. Returns the one behind
 * them. */
static phial_status pass(const ph_step *step, ph_session *first,
                         ph_session **next)
{
    ph_part *parts[MAX_PARTS];
    const uint64_t begin = ph_now_ns();
    uint32_t n_parts = 0, n = 0;
    ph_session *s = first;
    phial_status status = PHIAL_OK;

    for (; s && n_parts < MAX_PARTS &&
           n + s->n_step <= step->host->config.n_prefill;
         s = s->after) {
        n += s->n_step;
        if (s->n_step)
            parts[n_parts++] = part_of(s);
    }
    *next = s;
    if (n_parts)
        status = ph_forward_parts(step->host->sequence, parts, n_parts);
    for (s = first; s != *next; s = s->after)
        if (s->n_step)
            end_part(s, ph_now_ns() - begin);
    return status;
}

/* Alone it may guess. */
static void pass_alone(ph_session *session)
{
    const phial_status status = ph_session_compute(session, session->n_step);

    if (status < 0)
        fail(session, status);
}

static phial_status pass_all(const ph_step *step)
{
    ph_session *next = step->first;

    if (step->first == step->last) {
        pass_alone(step->first);
        return PHIAL_OK;
    }
    while (next)
        PH_TRY(pass(step, next, &next));
    return PHIAL_OK;
}

static void answer(ph_session *session)
{
    phial_status status;

    if (!session->answers)
        return;
    status = ph_session_sample(session);
    if (status < 0)
        fail(session, status);
}

/* True if the session has something to do. */
static bool begin(ph_session *session)
{
    size_t left = 0;
    phial_status status;

    session->answers = false;
    session->n_step = 0;
    if (is_over(session) || session->failure.status < 0)
        return false;
    session->stepped = true;
    status = prepare(session, &left);
    session->n_step = (uint32_t)left;
    if (status < 0)
        fail(session, status);
    return true;
}

phial_status ph_step_run(ph_step *step)
{
    bool any = false;
    ph_failure before;

    ph_failure_keep(&before, PHIAL_E_INTERNAL); /* success leaves the text */
    for (ph_session *s = step->first; s; s = s->after)
        any = begin(s) || any;
    if (!any)
        return PHIAL_END;
    share_out(step);
    PH_TRY(pass_all(step));
    for (ph_session *s = step->first; s; s = s->after)
        answer(s);
    ph_failure_raise(&before);
    return PHIAL_OK;
}
