/* SPDX-License-Identifier: MIT
 * What is said about an answer once it is there. */
#include "answer.h"
#include "output.h"
#include "terminal.h"

#include <stdio.h>

static const char *stop_name(const answer *a)
{
    if (a->interrupted)
        return "interrupted";
    switch (a->reply.reason) {
    case PHIAL_STOP_EOS:
        return "eos";
    case PHIAL_STOP_TEXT:
        return "text";
    case PHIAL_STOP_LENGTH:
        return "length";
    case PHIAL_STOP_CONTEXT:
        return "context";
    case PHIAL_STOP_CONSTRAINT:
        return "constraint";
    default:
        return "other";
    }
}

static double per_second(uint64_t n, uint64_t ns)
{
    return ns ? (double)n * 1e9 / (double)ns : 0;
}

double answer_decode_speed(const phial_stats *s)
{
    return s->n_generated ? per_second(s->n_generated - 1, s->decode_ns) : 0;
}

json_t *answer_json(const answer *a)
{
    const phial_stats *s = &a->stats;
    json_t *json = json_pack(
        "{s:o, s:I, s:s, s:I, s:I, s:f, s:f}", "text", reply_text(&a->reply),
        "tokens", (json_int_t)s->n_generated, "stop", stop_name(a),
        "prompt_tokens", (json_int_t)a->n_prompt, "reused_tokens",
        (json_int_t)s->n_reused, "prefill_tokens_per_second",
        per_second(s->n_prompt, s->prefill_ns), "decode_tokens_per_second",
        answer_decode_speed(s));

    if (json && a->reply.calls)
        json_object_set(json, "tool_calls", a->reply.calls);
    return json;
}

void answer_print_stats(const answer *a)
{
    const phial_stats *s = &a->stats;
    bool dim = terminal_errors() && terminal_colours();

    fprintf(stderr,
            "%sprompt: %llu tokens (%llu reused), %.1f tokens/s; answer: %llu "
            "tokens, %.1f tokens/s; stop: %s%s\n",
            dim ? "\033[2m" : "", (unsigned long long)a->n_prompt,
            (unsigned long long)s->n_reused,
            per_second(s->n_prompt, s->prefill_ns),
            (unsigned long long)s->n_generated, answer_decode_speed(s),
            stop_name(a), dim ? "\033[0m" : "");
}
