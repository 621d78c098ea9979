/* SPDX-License-Identifier: MIT
 * Which files of a repository are pulled. */
#include "progress.h"
#include "pull.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 10000 };

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text), n = strlen(end);

    return len > n && !strcmp(text + len - n, end);
}

/* What doc/checkpoints.md lists, in the folder itself. */
static bool of_checkpoint(const char *path)
{
    static const char *const names[] = {"config.json", "generation_config.json",
                                        "chat_template.jinja",
                                        "model.safetensors.index.json"};

    if (strchr(path, '/'))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(path, names[i]))
            return true;
    return ends_with(path, ".safetensors") ||
           (!strncmp(path, "tokenizer", 9) && ends_with(path, ".json"));
}

static hub_file *find(const pull *p, const char *path)
{
    for (size_t i = 0; i < p->list.n; i++)
        if (!strcmp(p->list.files[i].path, path))
            return &p->list.files[i];
    return NULL;
}

static int want(pull *p, hub_file *file)
{
    if (!file->etag) {
        http_say(
            &p->http,
            "the hub does not say size and checksum of %s/%s, so it cannot "
            "be checked",
            p->name.repo, file->path);
        return CLI_FAILED;
    }
    if (p->n_wanted == MAX_FILES) {
        http_say(&p->http, "%s consists of more than %d files", p->name.repo,
                 MAX_FILES);
        return CLI_FAILED;
    }
    file->wanted = true;
    p->n_wanted++;
    p->bytes_wanted += file->size;
    return CLI_OK;
}

static int want_named(pull *p, const char *path)
{
    hub_file *file = find(p, path);

    if (file)
        return want(p, file);
    http_say(&p->http, "%s has no file %s at revision %s", p->name.repo, path,
             p->name.revision);
    return CLI_FAILED;
}

/* One file, with the others that it is a part with. */
static int choose_file(pull *p)
{
    const unsigned n = pull_split_count(p->name.file);
    int code = CLI_OK;

    if (!n)
        return want_named(p, p->name.file);
    for (unsigned i = n; i && code == CLI_OK; i--) {
        pull_split_part(p->name.file, i);
        code = want_named(p, p->name.file);
    }
    return code;
}

/* A split file is listed once, with the size of all its parts. */
static bool is_other_part(const char *path)
{
    return pull_split_count(path) && !strstr(path, "-00001-of-");
}

static uint64_t size_of_all(const pull *p, const hub_file *first)
{
    char *path = must_format("%s", first->path);
    const unsigned n = pull_split_count(path);
    uint64_t size = n ? 0 : first->size;

    for (unsigned i = 1; i <= n; i++) {
        const hub_file *other;

        pull_split_part(path, i);
        other = find(p, path);
        size += other ? other->size : 0;
    }
    free(path);
    return size;
}

/* Prints the GGUF files that there are; the first one's path or NULL. */
static const char *list_ggufs(const pull *p)
{
    const char *first = NULL;

    for (size_t i = 0; i < p->list.n; i++) {
        const hub_file *file = &p->list.files[i];
        char size[32];

        if (!ends_with(file->path, ".gguf") || is_other_part(file->path))
            continue;
        if (!first)
            progress_clear();
        first = first ? first : file->path;
        units_bytes(size, sizeof size, size_of_all(p, file));
        fprintf(stderr, "%10s  %s\n", size, file->path);
    }
    return first;
}

static int nothing_to_choose(pull *p)
{
    const char *first = list_ggufs(p);

    if (first)
        http_say(
            &p->http,
            "%s has GGUF files and no checkpoint; choose one, as in: phial "
            "pull %s/%s",
            p->name.repo, p->name.repo, first);
    else
        http_say(
            &p->http,
            "%s has neither a checkpoint (config.json and safetensors) nor "
            "GGUF files",
            p->name.repo);
    return CLI_FAILED;
}

int pull_choose(pull *p)
{
    bool weights = false;
    int code = CLI_OK;

    if (p->name.file)
        return choose_file(p);
    for (size_t i = 0; i < p->list.n; i++) {
        const char *path = p->list.files[i].path;

        weights |= of_checkpoint(path) && ends_with(path, ".safetensors");
    }
    if (!weights || !find(p, "config.json"))
        return nothing_to_choose(p);
    for (size_t i = 0; i < p->list.n && code == CLI_OK; i++)
        if (of_checkpoint(p->list.files[i].path))
            code = want(p, &p->list.files[i]);
    return code;
}
