/* SPDX-License-Identifier: MIT
 * pull_http.h - one request to the hub: redirects are followed, and what may
 * pass is told from what will be the same next time. */
#ifndef PULL_HTTP_H
#define PULL_HTTP_H

#include "cli.h"

#include <curl/curl.h>

typedef enum http_end {
    HTTP_DONE,       /* the body came to its end */
    HTTP_AGAIN,      /* it may go well another time */
    HTTP_REFUSED,    /* it will not */
    HTTP_INTERRUPTED /* Ctrl-C */
} http_end;

/* What an answer says before its body. Numbers are -1 where nothing is said. */
typedef struct http_head {
    long status;
    int64_t length;                           /* of the body */
    int64_t range_from, range_to, range_size; /* Content-Range */
    int64_t linked_size;  /* of the file, by the endpoint itself */
    char linked_etag[80]; /* its checksum, by the same; "" */
    char error_code[32];  /* the hub's word for a refusal; "" */
} http_head;

/* Who takes the body of a 200 or a 206. Both return false to refuse it, with
 * http_say. */
typedef struct http_sink {
    bool (*begin)(void *user, const http_head *head);
    bool (*data)(void *user, const char *data, size_t n);
    void *user;
} http_sink;

typedef struct http {
    CURL *curl;
    const char *endpoint, *token, *ca_file;
    const char *repo; /* for messages */
    uint64_t stall;   /* seconds without a byte after which a server is slow */
    uint64_t retries;
    bool reached;             /* some server has answered something */
    int64_t retry_after;      /* seconds, of the last answer */
    void (*tick)(void *user); /* several times a second; may be NULL */
    void *tick_user;
    char problem[512]; /* of the last that went wrong */
} http;

/* False if libcurl cannot start. */
bool http_open(http *h);
void http_close(http *h);

/* Sets the problem; returns false. */
bool http_say(http *h, const char *format, ...) CLI_PRINTF(2, 3);

/* Asks for url, from byte `from` on. `what` is its name in messages. */
http_end http_get(http *h, const char *url, const char *what, uint64_t from,
                  const http_sink *sink);

/* After HTTP_AGAIN: waits, longer for every failure in a row, and counts it.
 * HTTP_AGAIN, or why there is no other try. */
http_end http_pause(http *h, uint64_t *failures);

/* pull_answer.c: one line of a head, and what an error says. */
void head_clear(http_head *head);
void head_line(http_head *head, const char *line, size_t len, bool own);
http_end head_refusal(http *h, const http_head *head, const char *host,
                      const char *what, bool own);

#endif /* PULL_HTTP_H */
