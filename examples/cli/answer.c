/* SPDX-License-Identifier: MIT
 * Drives a session through one answer. The library hands out whole characters
 * and says why it stopped; what is done with them is decided here. */
#include "answer.h"
#include "output.h"
#include "progress.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_text(answer *a, const char *text, size_t len)
{
    char *more = realloc(a->text, a->len + len + 1);

    if (!more) {
        complain("out of memory");
        exit(CLI_FAILED);
    }
    memcpy(more + a->len, text, len);
    a->text = more;
    a->len += len;
    a->text[a->len] = 0;
}

static void begin_call(answer *a, const phial_event *event)
{
    if (!a->calls)
        a->calls = json_array();
    json_array_append_new(a->calls,
                          json_pack("{s:o, s:s}", "name",
                                    json_text(event->text, event->text_len),
                                    "arguments", ""));
}

/* Arguments are a string of JSON, as in OpenAI's messages. */
static void continue_call(answer *a, const phial_event *event)
{
    json_t *call = json_array_get(a->calls, json_array_size(a->calls) - 1);

    json_append_text(call, "arguments", event->text, event->text_len);
}

static void take_event(answer *a, const phial_event *event, bool echo)
{
    switch (event->kind) {
    case PHIAL_EVENT_TEXT:
        keep_text(a, event->text, event->text_len);
        break;
    case PHIAL_EVENT_TOOL:
        begin_call(a, event);
        break;
    case PHIAL_EVENT_TOOL_ARGS:
        continue_call(a, event);
        break;
    case PHIAL_EVENT_STOP:
        a->reason = event->reason;
        return;
    default:
        return;
    }
    if (!echo)
        return;
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
            take_event(a, &event, echo);
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
    keep_text(out, "", 0);
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
    free(a->text);
    json_decref(a->calls);
}
