/* SPDX-License-Identifier: MIT
 * answer.h - one answer of a model: reading the prompt, streaming the text,
 * and the figures about it. */
#ifndef ANSWER_H
#define ANSWER_H

#include "reply.h"
#include "settings.h"

typedef struct answer {
    reply reply;
    bool interrupted;
    size_t n_prompt;   /* tokens that the session held before */
    phial_stats stats; /* of this answer alone */
    phial_stats total; /* of the session so far */
} answer;

/* Produces the answer to what is queued in the session, and writes it to
 * standard output as it comes if echo is set. Ctrl-C stops it: that is not an
 * error. before: the session's figures before the prompt was queued, NULL if it
 * was new. Returns an exit code; *out must be freed in either case. */
int answer_stream(phial_session *session, bool echo, const phial_stats *before,
                  answer *out);
void answer_free(answer *a);

/* {"text", "tokens", "stop", ...}; the keys are those of phial.1. */
json_t *answer_json(const answer *a);

/* Tokens per second of decoding. The first token of an answer comes out of the
 * prompt's last step, so it is not counted. */
double answer_decode_speed(const phial_stats *stats);

/* One line about speed on standard error. */
void answer_print_stats(const answer *a);

#endif /* ANSWER_H */
