/* SPDX-License-Identifier: MIT
 * One request by libcurl. Whether a failure may pass is judged here. */
#include "pull_exchange.h"
#include "pull_name.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_ERROR_BODY = 1 << 16, CONNECT_SECONDS = 30 };

static bool begin(exchange *x)
{
    curl_off_t length = -1;

    curl_easy_getinfo(x->h->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    x->head->length = length;
    x->begun = true;
    x->refused = !x->sink->begin(x->sink->user, x->head);
    return !x->refused;
}

static bool is_success(long status)
{
    return status == 200 || status == 206;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    exchange *x = user;

    n *= size;
    curl_easy_getinfo(x->h->curl, CURLINFO_RESPONSE_CODE, &x->head->status);
    if (!is_success(x->head->status)) {
        x->wasted += n;
        return x->wasted <= MAX_ERROR_BODY ? n : 0;
    }
    if (!x->begun && !begin(x))
        return 0;
    x->refused = !x->sink->data(x->sink->user, data, n);
    return x->refused ? 0 : n;
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    exchange *x = user;

    head_line(x->head, line, n * size, x->own);
    return n * size;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now,
                       curl_off_t to_send, curl_off_t sent)
{
    http *h = user;

    (void)total, (void)now, (void)to_send, (void)sent;
    if (h->tick)
        h->tick(h->tick_user);
    return interrupt_seen();
}

static void set_up(exchange *x, struct curl_slist *fields, char *detail)
{
    CURL *curl = x->h->curl;
    char range[32];

    curl_easy_setopt(curl, CURLOPT_URL, x->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "phial");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)x->h->stall);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, x->h);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (x->h->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, x->h->ca_file);
    if (x->from) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)x->from);
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
    }
}

static struct curl_slist *must_append(struct curl_slist *list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(list, text);

    if (!longer) {
        complain("out of memory");
        exit(CLI_FAILED);
    }
    return longer;
}

/* The token goes nowhere else; a compressed body would have another length and
 * no ranges. */
static struct curl_slist *fields_for(const exchange *x)
{
    struct curl_slist *fields = must_append(NULL, "Accept-Encoding: identity");

    if (x->own && x->h->token) {
        char *field = must_format("Authorization: Bearer %s", x->h->token);

        fields = must_append(fields, field);
        free(field);
    }
    return fields;
}

/* What libcurl reports. As long as nobody has answered, a server that cannot be
 * found is a mistake or a network that is off, and is not waited for. */
static http_end broken(const exchange *x, CURLcode code, const char *detail)
{
    http *h = x->h;

    http_say(h, "%s: %s: %s", x->what, x->host,
             *detail ? detail : curl_easy_strerror(code));
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
        return h->reached ? HTTP_AGAIN : HTTP_REFUSED;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return HTTP_AGAIN;
    default:
        return HTTP_REFUSED;
    }
}

static http_end judge(exchange *x, CURLcode code, const char *detail)
{
    http *h = x->h;
    curl_off_t wait = 0;

    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &x->head->status);
    curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &wait);
    h->retry_after = wait;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return HTTP_INTERRUPTED;
    if (x->refused)
        return HTTP_REFUSED;
    if (!x->head->status || (code && is_success(x->head->status)))
        return broken(x, code, detail);
    if (!is_success(x->head->status))
        return head_refusal(h, x->head, x->host, x->what, x->own);
    return x->begun || begin(x) ? HTTP_DONE : HTTP_REFUSED;
}

/* Where the answer sends us, to be freed; NULL: nowhere. */
static char *redirected(exchange *x)
{
    const char *url = NULL;
    long status = 0;

    curl_easy_getinfo(x->h->curl, CURLINFO_RESPONSE_CODE, &status);
    x->h->reached = x->h->reached || status;
    if (status != 304)
        curl_easy_getinfo(x->h->curl, CURLINFO_REDIRECT_URL, &url);
    return url ? must_format("%s", url) : NULL;
}

http_end exchange_run(exchange *x, char **next)
{
    struct curl_slist *fields = fields_for(x);
    char detail[CURL_ERROR_SIZE] = "";
    CURLcode code;
    http_end end;

    x->begun = x->refused = false;
    x->wasted = 0;
    set_up(x, fields, detail);
    code = curl_easy_perform(x->h->curl);
    *next = code == CURLE_ABORTED_BY_CALLBACK ? NULL : redirected(x);
    end = *next ? HTTP_DONE : judge(x, code, detail);
    curl_easy_reset(x->h->curl);
    curl_slist_free_all(fields);
    return end;
}
