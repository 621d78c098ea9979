/* SPDX-License-Identifier: MIT
 * What the head of an answer says: the few fields that matter here, and
 * sentences for refusals. */
#include "pull_http.h"

#include <string.h>
#include <strings.h>

void head_clear(http_head *head)
{
    head->status = 0;
    head->length = -1;
    head->range_from = head->range_to = head->range_size = -1;
    head->error_code[0] = 0;
}

/* Digits at *text, which is moved past them; -1 if there are none or too
 * many. */
static int64_t number(const char **text)
{
    int64_t n = 0;
    int digits = 0;

    for (; **text >= '0' && **text <= '9'; (*text)++, digits++)
        if (digits < 18)
            n = n * 10 + (**text - '0');
    return digits && digits <= 18 ? n : -1;
}

/* "bytes 5-9/10", "bytes 5-9/" "*" or, with 416, "bytes " "*" "/10" (RFC 9110,
 * 14.4). */
static void content_range(http_head *head, const char *value)
{
    if (strncasecmp(value, "bytes ", 6))
        return;
    value += 6;
    if (*value == '*') {
        value++;
    } else {
        head->range_from = number(&value);
        if (*value++ != '-')
            return;
        head->range_to = number(&value);
    }
    if (*value++ == '/')
        head->range_size = number(&value);
}

/* The value of a field without the quotes and the weakness that an ETag has. */
static void unquoted(char *out, size_t cap, const char *value)
{
    size_t len;

    if (!strncmp(value, "W/", 2))
        value += 2;
    value += *value == '"';
    len = strcspn(value, "\"");
    if (len >= cap)
        len = cap - 1;
    memcpy(out, value, len);
    out[len] = 0;
}

void head_line(http_head *head, const char *line, size_t len, bool own)
{
    char copy[256];
    const char *value;

    while (len && strchr("\r\n\t ", line[len - 1]))
        len--;
    if (!len || len >= sizeof copy)
        return;
    memcpy(copy, line, len);
    copy[len] = 0;
    if (!strncmp(copy, "HTTP/", 5)) {
        head_clear(head);
        return;
    }
    value = copy + strcspn(copy, ":");
    value += *value == ':';
    value += strspn(value, " \t");
    if (!strncasecmp(copy, "Content-Range:", 14))
        content_range(head, value);
    if (own && !strncasecmp(copy, "X-Linked-Etag:", 14))
        unquoted(head->linked_etag, sizeof head->linked_etag, value);
    if (own && !strncasecmp(copy, "X-Linked-Size:", 14))
        head->linked_size = number(&value);
    if (own && !strncasecmp(copy, "X-Error-Code:", 13))
        unquoted(head->error_code, sizeof head->error_code, value);
}

/* 401 and 403. The hub answers 401 for what does not exist, too, unless it
 * knows who asks. */
static void say_forbidden(http *h, const http_head *head, const char *host,
                          const char *what)
{
    if (!strcmp(head->error_code, "GatedRepo") || head->status == 403)
        http_say(h,
                 "%s is gated: accept its licence at %s/%s and set HF_TOKEN to "
                 "a token of yours%s (%s answers %ld)",
                 h->repo, h->endpoint, h->repo,
                 h->token ? ", not the present one" : "", host, head->status);
    else if (h->token)
        http_say(h,
                 "%s does not accept the token for %s: it has expired, or the "
                 "repository is not for it (401)",
                 host, h->repo);
    else
        http_say(h,
                 "%s wants to know who asks for %s (401): it does not exist, "
                 "or is private or gated; accept its licence at %s/%s and set "
                 "HF_TOKEN",
                 host, what, h->endpoint, h->repo);
}

http_end head_refusal(http *h, const http_head *head, const char *host,
                      const char *what, bool own)
{
    const long status = head->status;

    if (status == 408 || status == 429 || (status >= 500 && status < 600)) {
        http_say(h, "%s answers %ld%s for %s", host, status,
                 status == 429 ? " (too many requests)" : "", what);
        return HTTP_AGAIN;
    }
    if (own && (status == 401 || status == 403))
        say_forbidden(h, head, host, what);
    else if (own && (status == 404 || status == 410))
        http_say(h, "%s has no %s (%ld)", host, what, status);
    else if (status == 416 && head->range_size >= 0)
        http_say(h, "%s has only %lld bytes of %s, fewer than were announced",
                 host, (long long)head->range_size, what);
    else
        http_say(h, "%s answers %ld for %s", host, status, what);
    return HTTP_REFUSED;
}
