/* SPDX-License-Identifier: MIT
 * Requests, redirects and pauses. Redirects are followed here and not by
 * libcurl: the token is for the endpoint alone, and what the endpoint says of a
 * file stands in the answer that redirects. */
#include "pull_exchange.h"
#include "pull_name.h"
#include "progress.h"
#include "terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { MAX_REDIRECTS = 10, MAX_WAIT = 300 };

/* Seconds: the first pause, which doubles, and the longest. */
#define FIRST_PAUSE 0.5
#define LONGEST_PAUSE 30.0

typedef struct address {
    char *scheme, *host, *port;
} address;

bool http_say(http *h, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(h->problem, sizeof h->problem, format, args);
    va_end(args);
    return false;
}

bool http_open(http *h)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return false;
    h->curl = curl_easy_init();
    return h->curl != NULL;
}

void http_close(http *h)
{
    curl_easy_cleanup(h->curl);
    curl_global_cleanup();
}

/* False if libcurl does not know such addresses. */
static bool address_parse(const char *url, address *out)
{
    CURLU *parts = curl_url();
    bool ok =
        parts && !curl_url_set(parts, CURLUPART_URL, url, 0) &&
        !curl_url_get(parts, CURLUPART_SCHEME, &out->scheme, 0) &&
        !curl_url_get(parts, CURLUPART_HOST, &out->host, 0) &&
        !curl_url_get(parts, CURLUPART_PORT, &out->port, CURLU_DEFAULT_PORT);

    curl_url_cleanup(parts);
    return ok &&
           (!strcmp(out->scheme, "https") || !strcmp(out->scheme, "http"));
}

static void address_free(address *a)
{
    curl_free(a->scheme);
    curl_free(a->host);
    curl_free(a->port);
}

static bool same_server(const address *a, const address *b)
{
    return !strcmp(a->scheme, b->scheme) && !strcasecmp(a->host, b->host) &&
           !strcmp(a->port, b->port);
}

/* What began in secret does not go on in the clear. Addresses that servers
 * give are not shown: they may hold what is meant for us alone. */
static http_end refuse_address(http *h, const char *what, const address *from,
                               bool known)
{
    if (!from->host)
        http_say(h, "%s: the endpoint is not an address of the web", what);
    else if (known)
        http_say(h,
                 "%s: %s redirects from https to http, which is not followed",
                 what, from->host);
    else
        http_say(h,
                 "%s: %s redirects to what is not an address of the web and is "
                 "not followed",
                 what, from->host);
    return HTTP_REFUSED;
}

/* One hop after the other, from *url on, which is replaced. */
static http_end follow(exchange *x, char **url, const address *home)
{
    address last = {0};
    http_end end = HTTP_DONE;

    for (int n = 0; *url && end == HTTP_DONE; n++) {
        address at = {0};
        char *next = NULL;
        const bool known = address_parse(*url, &at);

        if (n > MAX_REDIRECTS) {
            http_say(x->h, "%s: more than %d redirects, the last by %s",
                     x->what, MAX_REDIRECTS, last.host);
            end = HTTP_REFUSED;
        } else if (!known || (last.host && !strcmp(last.scheme, "https") &&
                              strcmp(at.scheme, "https"))) {
            end = refuse_address(x->h, x->what, &last, known);
        } else {
            x->url = *url;
            x->host = at.host;
            x->own = same_server(&at, home);
            end = exchange_run(x, &next);
        }
        free(*url);
        *url = next;
        address_free(&last);
        last = at;
    }
    address_free(&last);
    return end;
}

http_end http_get(http *h, const char *url, const char *what, uint64_t from,
                  const http_sink *sink)
{
    http_head head = {.linked_size = -1};
    exchange x = {
        .h = h, .sink = sink, .head = &head, .what = what, .from = from};
    char *at = must_format("%s", url);
    address home = {0};
    http_end end;

    head_clear(&head);
    if (address_parse(h->endpoint, &home)) {
        end = follow(&x, &at, &home);
    } else {
        http_say(h, "\"%s\" is not the address of a hub", h->endpoint);
        end = HTTP_REFUSED;
    }
    address_free(&home);
    free(at);
    return end;
}

static http_end wait_saying(const http *h, const char *line, double seconds)
{
    const struct timespec moment = {.tv_nsec = 50000000};
    const double end = clock_seconds() + seconds;

    while (clock_seconds() < end && !interrupt_seen()) {
        if (h->tick)
            progress_line(line);
        nanosleep(&moment, NULL);
    }
    return interrupt_seen() ? HTTP_INTERRUPTED : HTTP_AGAIN;
}

http_end http_pause(http *h, uint64_t *failures)
{
    double pause = FIRST_PAUSE;
    char line[80];

    if (*failures >= h->retries || h->retry_after > MAX_WAIT) {
        const size_t len = strlen(h->problem);

        if (h->retry_after > MAX_WAIT)
            snprintf(h->problem + len, sizeof h->problem - len,
                     "; it wants to be left alone for %lld seconds",
                     (long long)h->retry_after);
        else if (*failures)
            snprintf(h->problem + len, sizeof h->problem - len,
                     "; given up after %llu tries",
                     (unsigned long long)*failures + 1);
        return HTTP_REFUSED;
    }
    for (uint64_t i = 0; i < *failures && pause < LONGEST_PAUSE; i++)
        pause *= 2;
    if (pause > LONGEST_PAUSE)
        pause = LONGEST_PAUSE;
    if (pause < (double)h->retry_after)
        pause = (double)h->retry_after;
    ++*failures;
    snprintf(line, sizeof line, "%.50s... again in %.0f s", h->problem, pause);
    return wait_saying(h, line, pause);
}
