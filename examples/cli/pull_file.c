/* SPDX-License-Identifier: MIT
 * One file: taken as it is if it is there, or fetched, as often as that takes,
 * each time from where the last try ended. The address names the commit and the
 * list the checksum, so the parts of several tries are parts of one file. */
#include "pull.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A try that brings less than this counts as a failure. */
enum { PROGRESS_BYTES = 1 << 20 };

static bool part_begins(part *t, const http_head *head)
{
    const int64_t size = (int64_t)t->file->size;
    const int64_t have = (int64_t)t->have;
    http *h = &t->p->http;

    if (head->status == 206 &&
        (head->range_from != have || head->range_to != size - 1 ||
         (head->range_size >= 0 && head->range_size != size)))
        return http_say(h,
                        "%s: the server sends bytes %lld to %lld of %lld where "
                        "%lld to %lld of %lld were asked for",
                        t->file->path, (long long)head->range_from,
                        (long long)head->range_to, (long long)head->range_size,
                        (long long)have, (long long)size - 1, (long long)size);
    /* A 200 is the whole file, asked for or not. */
    if (head->status == 200 && have && !part_restart(t))
        return false;
    t->p->bytes_at = t->have;
    if (head->length >= 0 && head->length != size - (int64_t)t->have)
        return http_say(h, "%s: the server announces %lld bytes, the list %lld",
                        t->file->path,
                        (long long)head->length + (long long)t->have,
                        (long long)size);
    return true;
}

static bool on_begin(void *user, const http_head *head)
{
    part *t = user;
    http *h = &t->p->http;

    if (head->linked_size >= 0 && head->linked_size != (int64_t)t->file->size)
        return http_say(h, "%s: the hub announces %lld bytes, its list %llu",
                        t->file->path, (long long)head->linked_size,
                        (unsigned long long)t->file->size);
    if (pull_is_hex(head->linked_etag, strlen(t->file->etag)) &&
        strcmp(head->linked_etag, t->file->etag))
        return http_say(h, "%s: the hub announces checksum %s, its list %s",
                        t->file->path, head->linked_etag, t->file->etag);
    return part_begins(t, head);
}

static bool on_data(void *user, const char *data, size_t n)
{
    part *t = user;

    if (n > t->file->size - t->have)
        return http_say(&t->p->http,
                        "%s: the server sends more than the %llu bytes that "
                        "were announced",
                        t->file->path, (unsigned long long)t->file->size);
    if (!part_add(t, data, n))
        return false;
    t->p->bytes_at = t->have;
    t->p->bytes_received += n;
    return true;
}

static http_end try_once(part *t, const char *url)
{
    const http_sink sink = {on_begin, on_data, t};
    http *h = &t->p->http;
    http_end end = http_get(h, url, t->file->path, t->have, &sink);

    if (end == HTTP_DONE && t->have < t->file->size) {
        http_say(h, "%s: the server ended after %llu of %llu bytes",
                 t->file->path, (unsigned long long)t->have,
                 (unsigned long long)t->file->size);
        end = HTTP_AGAIN;
    }
    return end;
}

static int receive(part *t)
{
    pull *p = t->p;
    char *path = pull_escape(t->file->path, false);
    char *url = must_format("%s/%s/resolve/%s/%s", p->endpoint, p->name.repo,
                            p->list.commit, path);
    uint64_t failures = 0;
    http_end end = HTTP_DONE;

    while (end == HTTP_DONE && t->have < t->file->size) {
        const uint64_t before = t->have;

        end = try_once(t, url);
        if (t->have >= before + PROGRESS_BYTES)
            failures = 0;
        if (end == HTTP_AGAIN)
            end = http_pause(&p->http, &failures);
        if (end == HTTP_AGAIN)
            end = HTTP_DONE;
    }
    free(url);
    free(path);
    return end == HTTP_DONE          ? CLI_OK
           : end == HTTP_INTERRUPTED ? CLI_INTERRUPTED
                                     : CLI_FAILED;
}

/* A file of the cache has its checksum for a name; what lies elsewhere is
 * read. */
static int look(pull *p, const hub_file *file, const char *path, bool *there)
{
    struct stat info;
    int code;

    *there = !stat(path, &info);
    if (p->cache) {
        *there = *there && (uint64_t)info.st_size == file->size;
        return CLI_OK;
    }
    if (!*there)
        return CLI_OK;
    code = part_check(p, file, path);
    if (code != CLI_FAILED || !p->s->force)
        return code;
    *there = false;
    return CLI_OK;
}

int pull_file(pull *p, const hub_file *file)
{
    char *path = target_path(p, file);
    bool there = false;
    part t;
    int code = look(p, file, path, &there);

    if (code == CLI_OK && !there) {
        code = part_open(p, file, path, &t);
        if (code == CLI_OK)
            code = receive(&t);
        if (code == CLI_OK)
            code = part_finish(&t);
        part_close(&t);
        p->n_pulled += code == CLI_OK;
    }
    free(path);
    return code;
}
