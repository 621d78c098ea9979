/* SPDX-License-Identifier: MIT
 * Drives a session through one answer. */
#include "answer.h"
#include "output.h"
#include "progress.h"
#include "terminal.h"

static void echo_event(const phial_event *event)
{
    if (event->kind == PHIAL_EVENT_TEXT || event->kind == PHIAL_EVENT_TOOL ||
        event->kind == PHIAL_EVENT_TOOL_ARGS)
        output_text(event->text, event->text_len);
    if (event->kind == PHIAL_EVENT_TOOL)
        output_text(" ", 1);
}

static phial_status produce(phial_session *session, bool echo, answer *a)
{
    phial_status status = PHIAL_OK;

    while (status == PHIAL_OK) {
        phial_event event = PHIAL_INIT(phial_event);

        status = phial_session_next(session, &event);
        if (status == PHIAL_OK)
            reply_take(&a->reply, &event);
        if (status == PHIAL_OK && echo)
            echo_event(&event);
        if (echo && !output_flush())
            break;
    }
    return status;
}

static void count(phial_session *session, const phial_stats *before, answer *a)
{
    phial_session_get_stats(session, &a->total);
    a->stats = a->total;
    if (!before)
        return;
    a->stats.n_prompt -= before->n_prompt;
    a->stats.n_reused -= before->n_reused;
    a->stats.n_generated -= before->n_generated;
    a->stats.prefill_ns -= before->prefill_ns;
    a->stats.decode_ns -= before->decode_ns;
}

int answer_stream(phial_session *session, bool echo, const phial_stats *before,
                  answer *out)
{
    phial_status status;

    *out = (answer){.total = PHIAL_INIT(phial_stats)};
    phial_session_get_tokens(session, NULL, 0, &out->n_prompt);
    status = produce(session, echo, out);
    /* A cancellation that nobody here asked for is left over from a Ctrl-C
     * that came just after the previous answer had ended. */
    if (status == PHIAL_E_CANCELLED && !interrupt_seen())
        status = produce(session, echo, out);
    progress_clear();
    count(session, before, out);
    if (status == PHIAL_E_CANCELLED) {
        out->interrupted = true;
        return CLI_OK;
    }
    return status < 0 ? library_error(status) : CLI_OK;
}

void answer_free(answer *a)
{
    reply_free(&a->reply);
}
