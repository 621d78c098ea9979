/* SPDX-License-Identifier: MIT
 * Where files go: into the cache, whose layout is that of huggingface_hub, or
 * to what --output names. */
#include "pull.h"
#include "units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static const hub_file *first_wanted(const pull *p)
{
    for (size_t i = 0; i < p->list.n; i++)
        if (p->list.files[i].wanted)
            return &p->list.files[i];
    return NULL;
}

/* "models--org--name" */
static char *folder_name(const pull *p)
{
    const size_t org = strcspn(p->name.repo, "/");

    return must_format("models--%.*s--%s", (int)org, p->name.repo,
                       p->name.repo + org + 1);
}

static int prepare_cache(pull *p)
{
    char *name = folder_name(p);

    p->folder = must_format("%s/%s", p->cache, name);
    free(name);
    if (p->list.commit)
        p->result = must_format("%s/snapshots/%s%s%s", p->folder,
                                p->list.commit, p->name.file ? "/" : "",
                                p->name.file ? p->name.file : "");
    return CLI_OK;
}

/* A file alone may be given a name; several need a folder. */
static int prepare_output(pull *p)
{
    char *output = must_format("%s", p->s->output_file);
    size_t len = strlen(output);
    const bool slash = len && output[len - 1] == '/';
    const bool alone = p->name.file && p->n_wanted == 1;
    struct stat info;
    const bool there = !stat(output, &info);
    const bool folder = there ? S_ISDIR(info.st_mode) : slash || !alone;

    while (len > 1 && output[len - 1] == '/')
        output[--len] = 0;
    if (there && !folder && !(alone && S_ISREG(info.st_mode))) {
        if (alone)
            http_say(&p->http, "%s is neither a folder nor a file", output);
        else
            http_say(&p->http, "%s is not a folder, and there are %llu files",
                     output, (unsigned long long)p->n_wanted);
        free(output);
        return CLI_FAILED;
    }
    if (p->name.file && folder)
        p->result = must_format("%s/%s", output, base_name(p->name.file));
    else
        p->result = must_format("%s", output);
    p->folder = output;
    return CLI_OK;
}

int target_prepare(pull *p)
{
    return p->cache ? prepare_cache(p) : prepare_output(p);
}

char *target_path(const pull *p, const hub_file *file)
{
    if (p->cache)
        return must_format("%s/blobs/%s", p->folder, file->etag);
    if (p->name.file && p->n_wanted == 1)
        return must_format("%s", p->result);
    return must_format("%s/%s", p->folder, base_name(file->path));
}

char *target_lock(const pull *p, const hub_file *file, const char *path)
{
    char *name, *lock;

    if (!p->cache)
        return must_format("%s.incomplete", path);
    name = folder_name(p);
    lock = must_format("%s/.locks/%s/%s.lock", p->cache, name, file->etag);
    free(name);
    return lock;
}

static uint64_t file_size(const char *path)
{
    struct stat info;

    return stat(path, &info) ? 0 : (uint64_t)info.st_size;
}

static uint64_t missing(const pull *p, const hub_file *file)
{
    char *path = target_path(p, file);
    char *unfinished = must_format("%s.incomplete", path);
    const uint64_t got = file_size(unfinished);
    const bool there = file_size(path) == file->size;

    free(unfinished);
    free(path);
    return there ? 0 : got <= file->size ? file->size - got : file->size;
}

static int check_space(pull *p, const char *folder, uint64_t needed)
{
    struct statvfs disk;
    uint64_t free_bytes;
    char want[32], have[32];

    if (statvfs(folder, &disk)) {
        http_say(&p->http, "cannot tell the free space of %s: %s", folder,
                 strerror(errno));
        return CLI_FAILED;
    }
    free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (needed <= free_bytes)
        return CLI_OK;
    units_bytes(want, sizeof want, needed);
    units_bytes(have, sizeof have, free_bytes);
    http_say(&p->http,
             "there is not enough space in %s: %s are needed and %s are free",
             folder, want, have);
    return CLI_FAILED;
}

int target_space(pull *p)
{
    char *path = target_path(p, first_wanted(p));
    uint64_t needed = 0;
    int code = store_folders(p, path) ? CLI_OK : CLI_FAILED;
    char *slash = strrchr(path, '/');

    for (size_t i = 0; i < p->list.n; i++)
        if (p->list.files[i].wanted)
            needed += missing(p, &p->list.files[i]);
    if (slash)
        slash[slash == path] = 0;
    if (code == CLI_OK)
        code = check_space(p, slash ? path : ".", needed);
    free(path);
    return code;
}
