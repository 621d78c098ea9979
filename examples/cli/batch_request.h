/* SPDX-License-Identifier: MIT
 * batch_request.h - what one line of a batch asks for. */
#ifndef BATCH_REQUEST_H
#define BATCH_REQUEST_H

#include "settings.h"

#include <jansson.h>

/* Why a line gets no answer. */
typedef struct batch_error {
    const char *code; /* NULL: there is no error */
    char message[512];
} batch_error;

void batch_fail(batch_error *error, const char *code, const char *format, ...)
    CLI_PRINTF(3, 4);

/* The same for a failure of the library. */
void batch_fail_status(batch_error *error, phial_status status);

typedef struct batch_request {
    struct batch_request *next; /* in a list of those that wait */
    uint64_t line;              /* in the input */
    uint64_t place;             /* among the results */
    char *custom_id;            /* the line's own, or its number */
    json_t *document;           /* the line; NULL if it is none */
    const json_t *messages;     /* in document; NULL: prompt is there */
    const json_t *tools;        /* may be NULL */
    const char *prompt;
    const settings *base; /* the command line */
    settings sampling;    /* its own, and over them the line's */
} batch_request;

/* Never NULL: of a line that is wrong error says why, and only line and
 * custom_id count. */
batch_request *request_read(const settings *s, uint64_t line, const char *text,
                            size_t len, batch_error *error);
/* Of a line that could not be read. */
batch_request *request_unread(uint64_t line);
void request_free(batch_request *r);

/* Makes the session hold the prompt and choose tokens as asked. */
phial_status request_give(const batch_request *r, phial_session *session);

/* ---- batch_body.c ------------------------------------------------------- */

/* Fills in what the body of a request says. bare: it may have a custom_id. */
void body_read(batch_request *r, json_t *body, bool bare, batch_error *error);

/* ---- batch_sampling.c --------------------------------------------------- */

/* Stores a field of a body if it is one about the choice of tokens; false if
 * not. own->stop and own->bias are replaced by memory of their own. */
bool sampling_field(settings *own, const char *key, const json_t *value,
                    batch_error *error);
void sampling_free(settings *own, const settings *base);

#endif /* BATCH_REQUEST_H */
