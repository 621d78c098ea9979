/* SPDX-License-Identifier: MIT
 * pull_exchange.h - a request to one server and its answer. */
#ifndef PULL_EXCHANGE_H
#define PULL_EXCHANGE_H

#include "pull_http.h"

typedef struct exchange {
    http *h;
    const http_sink *sink;
    http_head *head;
    const char *url, *host, *what;
    uint64_t from; /* first byte that is wanted */
    bool own;      /* it is the endpoint that answers */
    bool begun;    /* the sink has the head */
    bool refused;  /* by the sink */
    size_t wasted; /* bytes of a body that nobody wants */
} exchange;

/* Asks one server. *next: where that sends us, to be freed; NULL: nowhere, and
 * the result is that of the request. */
http_end exchange_run(exchange *x, char **next);

#endif /* PULL_EXCHANGE_H */
