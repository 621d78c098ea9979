/* SPDX-License-Identifier: MIT
 * The scheduler: sessions that are each given a request and stepped together.
 * One that has finished takes the next at once, so that a pass over the weights
 * always serves as many as possible. */
#include "batch_run.h"
#include "loading.h"
#include "terminal.h"

#include <stdlib.h>

struct batch_slot {
    phial_session *session;
    batch_request *request; /* NULL: idle */
    batch_answer answer;
    phial_stats before;
    double began;
    bool starved; /* it got no memory though nothing else held any */
};

/* Results held back for --in-order are bounded by this many requests for each
 * session; one that takes longer makes the others wait. */
enum { AHEAD = 32 };

/* Empties the slot; the request is the caller's. */
static batch_request *vacate(batch *b, batch_slot *slot)
{
    batch_request *r = slot->request;

    slot->request = NULL;
    reply_clear(&slot->answer.reply);
    slot->answer = (batch_answer){.reply = slot->answer.reply};
    b->n_active--;
    return r;
}

static int refuse(batch *b, batch_slot *slot, phial_status status)
{
    batch_error error = {0};

    batch_fail_status(&error, status);
    return queue_refuse(b, vacate(b, slot), &error);
}

static int begin(batch *b, batch_slot *slot, batch_request *r)
{
    size_t n = 0;
    phial_status status;

    slot->request = r;
    slot->began = clock_seconds();
    slot->starved = false;
    b->n_active++;
    slot->before = (phial_stats)PHIAL_INIT(phial_stats);
    phial_session_get_stats(slot->session, &slot->before);
    status = request_give(r, slot->session);
    if (status < 0)
        return refuse(b, slot, status);
    phial_session_get_tokens(slot->session, NULL, 0, &n);
    slot->answer.prompt = n;
    return CLI_OK;
}

static int finish(batch *b, batch_slot *slot)
{
    batch_answer *a = &slot->answer;
    const batch_request *r = slot->request;
    phial_stats now = PHIAL_INIT(phial_stats);
    int code;

    phial_session_get_stats(slot->session, &now);
    a->generated = now.n_generated - slot->before.n_generated;
    a->reused = now.n_reused - slot->before.n_reused;
    if (a->reused > a->prompt) /* an answer may be read again, too */
        a->reused = a->prompt;
    a->seconds = clock_seconds() - slot->began;
    b->n_finished++;
    b->n_prompt += a->prompt;
    b->n_reused += a->reused;
    b->n_generated += a->generated;
    code = results_put(&b->out, r->place, result_of_answer(b->s, r, a));
    request_free(vacate(b, slot));
    return code;
}

/* The cache is full. What idle sessions keep goes first; then the request waits
 * until another one has finished; alone, it is tried once more. */
static int starve(batch *b, batch_slot *slot)
{
    for (uint64_t i = 0; i < b->s->parallel; i++)
        if (b->slots[i].session && !b->slots[i].request)
            phial_session_rewind(b->slots[i].session, 0);
    if (b->n_active > 1) {
        batch_request *r = vacate(b, slot);

        r->next = b->waiting;
        b->waiting = r;
        phial_session_rewind(slot->session, 0);
        return CLI_OK;
    }
    if (slot->starved)
        return refuse(b, slot, PHIAL_E_MEMORY);
    slot->starved = true;
    return CLI_OK;
}

/* What the step has brought to one session. */
static int drain(batch *b, batch_slot *slot)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_status status;

    while ((status = phial_session_next(slot->session, &event)) == PHIAL_OK)
        reply_take(&slot->answer.reply, &event);
    if (status == PHIAL_END)
        return finish(b, slot);
    if (status == PHIAL_E_MEMORY)
        return starve(b, slot);
    if (status < 0)
        return refuse(b, slot, status);
    slot->starved = false;
    return CLI_OK;
}

static int step(batch *b)
{
    size_t n = 0;
    phial_status status;
    int code = CLI_OK;

    for (uint64_t i = 0; i < b->s->parallel; i++)
        if (b->slots[i].request)
            b->active[n++] = b->slots[i].session;
    status = phial_step(b->active, n);
    if (status < 0)
        return library_error(status);
    for (uint64_t i = 0; i < b->s->parallel && code == CLI_OK; i++)
        if (b->slots[i].request)
            code = drain(b, &b->slots[i]);
    return code;
}

/* A session is made when it is first needed. */
static int give(batch *b, batch_slot *slot, batch_request *r)
{
    if (!slot->session) {
        int code =
            load_session(b->s, b->model, &b->adapters, false, &slot->session);

        if (code != CLI_OK) {
            request_free(r);
            return code;
        }
    }
    return begin(b, slot, r);
}

/* The next request for a free session. Those that wait for memory are taken
 * up one by one, as others finish, and before new ones. */
static line_state take(batch *b, uint64_t *finished, batch_request **out)
{
    if (b->waiting) {
        if (b->n_active && *finished == b->n_finished)
            return LINE_LATER;
        *finished = b->n_finished;
        *out = b->waiting;
        b->waiting = b->waiting->next;
        return LINE_READY;
    }
    if (b->at_end)
        return LINE_END;
    if (b->out.in_order && b->place - b->out.place > AHEAD * b->s->parallel)
        return LINE_LATER;
    return queue_next(b, !b->n_active, out);
}

/* Occupies idle sessions for as long as there are requests. */
static int fill(batch *b, uint64_t *finished)
{
    for (uint64_t i = 0; i < b->s->parallel; i++) {
        while (!b->slots[i].request && !interrupt_seen()) {
            batch_request *r = NULL;
            line_state state = take(b, finished, &r);
            int code;

            if (state == LINE_FAILED)
                return CLI_FAILED;
            b->at_end = b->at_end || state == LINE_END;
            if (state != LINE_READY)
                return CLI_OK;
            code = give(b, &b->slots[i], r);
            if (code != CLI_OK)
                return code;
        }
    }
    return CLI_OK;
}

static void discard(batch *b)
{
    for (uint64_t i = 0; i < b->s->parallel; i++) {
        batch_slot *slot = &b->slots[i];

        if (slot->request)
            request_free(vacate(b, slot));
        reply_free(&slot->answer.reply);
        phial_session_free(slot->session);
    }
    while (b->waiting) {
        batch_request *r = b->waiting;

        b->waiting = r->next;
        request_free(r);
    }
    free(b->slots);
    free(b->active);
}

int batch_run(batch *b)
{
    uint64_t finished = 0; /* when a request that waited was last taken up */
    int code = CLI_OK;

    b->slots = must_alloc(b->s->parallel, sizeof *b->slots);
    b->active = must_alloc(b->s->parallel, sizeof(phial_session *));
    b->began = clock_seconds();
    interrupt_catch(NULL, true);
    while (code == CLI_OK && !interrupt_seen()) {
        code = fill(b, &finished);
        if (code == CLI_OK && b->at_end && !b->n_active && !b->waiting)
            break;
        if (code == CLI_OK && b->n_active)
            code = step(b);
        report_progress(b);
    }
    if (interrupt_seen())
        code = CLI_INTERRUPTED;
    interrupt_release();
    discard(b);
    return code;
}
