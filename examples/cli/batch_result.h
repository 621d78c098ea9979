/* SPDX-License-Identifier: MIT
 * batch_result.h - an answer, and the line that it becomes. */
#ifndef BATCH_RESULT_H
#define BATCH_RESULT_H

#include "batch_request.h"
#include "reply.h"

/* What every line of results begins with. */
#define RESULT_BEGINS "{\"id\":\"batch_req_"

/* Whose answer is written: of a second request with the same custom_id, only
 * that it was refused. */
#define RESULT_REPEATED "duplicate_custom_id"

typedef struct batch_answer {
    reply reply;
    uint64_t prompt; /* tokens */
    uint64_t reused; /* of them taken from the cache */
    uint64_t generated;
    double seconds; /* from its beginning to its end */
} batch_answer;

/* The line, with its newline; the caller frees it. */
char *result_of_answer(const settings *s, const batch_request *r,
                       const batch_answer *a);
char *result_of_error(const batch_request *r, const batch_error *error);

#endif /* BATCH_RESULT_H */
