/* SPDX-License-Identifier: MIT
 * The list of a repository's files. Nothing in it is trusted: names become
 * paths, checksums become names. */
#include "output.h"
#include "pull.h"
#include "pull_hash.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_LIST = 16 << 20 };

/* Beyond any file; thousands of it still fit a sum. */
#define LARGEST_FILE (INT64_C(1) << 50)

typedef struct body {
    http *h;
    char *data;
    size_t len, cap;
} body;

static bool body_begin(void *user, const http_head *head)
{
    body *b = user;

    b->len = 0;
    if (head->length > LONGEST_LIST)
        return http_say(b->h, "the hub's list of files is longer than %d MiB",
                        LONGEST_LIST >> 20);
    return true;
}

static bool body_data(void *user, const char *data, size_t n)
{
    body *b = user;

    if (n > LONGEST_LIST - b->len)
        return http_say(b->h, "the hub's list of files is longer than %d MiB",
                        LONGEST_LIST >> 20);
    if (b->len + n > b->cap) {
        const size_t cap = 2 * (b->len + n);
        char *more = realloc(b->data, cap);

        if (!more)
            return http_say(b->h, "out of memory for the hub's list of files");
        b->data = more;
        b->cap = cap;
    }
    memcpy(b->data + b->len, data, n);
    b->len += n;
    return true;
}

static int fetch(pull *p, const char *url, body *b)
{
    const http_sink sink = {body_begin, body_data, b};
    char *what =
        must_format("%s at revision %s", p->name.repo, p->name.revision);
    uint64_t failures = 0;
    http_end end;

    do
        end = http_get(&p->http, url, what, 0, &sink);
    while (end == HTTP_AGAIN &&
           (end = http_pause(&p->http, &failures)) == HTTP_AGAIN);
    free(what);
    return end == HTTP_DONE          ? CLI_OK
           : end == HTTP_INTERRUPTED ? CLI_INTERRUPTED
                                     : CLI_FAILED;
}

/* Size and checksum, where the hub says both and they are well formed. A large
 * file's are those of what its pointer in git stands for. */
static void take_content(hub_file *file, const json_t *entry)
{
    const json_t *lfs = json_object_get(entry, "lfs");
    const bool large = json_is_object(lfs);
    const json_t *size = json_object_get(large ? lfs : entry, "size");
    const char *etag = json_string_value(
        json_object_get(large ? lfs : entry, large ? "sha256" : "blobId"));

    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > LARGEST_FILE ||
        !pull_is_hex(etag, large ? PULL_SHA256_DIGITS : PULL_SHA1_DIGITS))
        return;
    file->size = (uint64_t)json_integer_value(size);
    file->etag = etag;
}

static int take_files(pull *p, const json_t *entries)
{
    hub_list *list = &p->list;
    json_t *seen = must_json(json_object());
    int code = CLI_OK;

    list->files = must_alloc(json_array_size(entries), sizeof *list->files);
    for (size_t i = 0; i < json_array_size(entries) && code == CLI_OK; i++) {
        const json_t *entry = json_array_get(entries, i);
        const char *path =
            json_string_value(json_object_get(entry, "rfilename"));

        if (!path || !pull_path_safe(path) || json_object_get(seen, path)) {
            http_say(&p->http,
                     "the hub's list of files has \"%.200s\", which %s",
                     path ? path : "(no name)",
                     path && pull_path_safe(path)
                         ? "is there twice"
                         : "is not a name of a file in a folder");
            code = CLI_FAILED;
            break;
        }
        json_object_set_new(seen, path, json_true());
        list->files[list->n].path = path;
        take_content(&list->files[list->n++], entry);
    }
    json_decref(seen);
    return code;
}

static int read_list(pull *p, const body *b)
{
    const json_t *entries;
    json_error_t error;

    p->list.root = json_loadb(b->data ? b->data : "", b->len, 0, &error);
    if (!p->list.root) {
        http_say(&p->http,
                 "the hub's list of files is not JSON: line %d, column %d",
                 error.line, error.column);
        return CLI_FAILED;
    }
    p->list.commit = json_string_value(json_object_get(p->list.root, "sha"));
    entries = json_object_get(p->list.root, "siblings");
    if (!pull_is_hex(p->list.commit, PULL_SHA1_DIGITS) ||
        !json_is_array(entries)) {
        http_say(&p->http, "the hub's list of files has no \"sha\" of a commit "
                           "or no \"siblings\"");
        return CLI_FAILED;
    }
    return take_files(p, entries);
}

int hub_list_get(pull *p)
{
    char *revision = pull_escape(p->name.revision, true);
    char *url = must_format("%s/api/models/%s/revision/%s?blobs=true",
                            p->endpoint, p->name.repo, revision);
    body b = {.h = &p->http};
    int code = fetch(p, url, &b);

    if (code == CLI_OK)
        code = read_list(p, &b);
    free(b.data);
    free(url);
    free(revision);
    return code;
}

void hub_list_free(hub_list *list)
{
    json_decref(list->root);
    free(list->files);
}
