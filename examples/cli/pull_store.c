/* SPDX-License-Identifier: MIT
 * The cache: blobs/CHECKSUM holds contents, snapshots/COMMIT/PATH links to
 * them, refs/REVISION names the commit. Other programs read it while it
 * changes, so every name appears whole. */
#include "input.h"
#include "pull.h"
#include "pull_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cannot(pull *p, const char *what, const char *path)
{
    return http_say(&p->http, "cannot %s %s: %s", what, path, strerror(errno));
}

bool store_folders(pull *p, const char *path)
{
    char *folder = must_format("%s", path);
    bool ok = true;

    for (char *c = folder + 1; ok && *folder && *c; c++) {
        if (*c != '/')
            continue;
        *c = 0;
        ok = !mkdir(folder, 0777) || errno == EEXIST ||
             cannot(p, "create the folder", folder);
        *c = '/';
    }
    free(folder);
    return ok;
}

bool store_sync_folder(const char *path)
{
    char *folder = must_format("%s", path);
    char *slash = strrchr(folder, '/');
    int fd;
    bool ok;

    if (slash)
        slash[slash == folder] = 0;
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Some file systems have no such thing for folders. */
    ok = fd >= 0 && (!fsync(fd) || errno == EINVAL);
    if (fd >= 0)
        close(fd);
    free(folder);
    return ok;
}

/* Moves a name that was made beside path to its place. */
static bool move(pull *p, const char *from, const char *path)
{
    if (!rename(from, path))
        return true;
    cannot(p, "create", path);
    unlink(from);
    return false;
}

static bool is_link_to(const char *path, const char *target)
{
    char buf[1024];
    const ssize_t n = readlink(path, buf, sizeof buf);

    return n == (ssize_t)strlen(target) && !memcmp(buf, target, (size_t)n);
}

static bool link_file(pull *p, const hub_file *file)
{
    char *path = must_format("%s/snapshots/%s/%s", p->folder, p->list.commit,
                             file->path);
    char *temporary = must_format("%s.%ld.link", path, (long)getpid());
    char *target = must_format("../../blobs/%s", file->etag);
    bool ok = store_folders(p, path);

    for (const char *c = file->path; *c; c++)
        if (*c == '/') {
            char *deeper = must_format("../%s", target);

            free(target);
            target = deeper;
        }
    if (ok && !is_link_to(path, target)) {
        unlink(temporary);
        ok = !symlink(target, temporary) || cannot(p, "create", temporary);
        ok = ok && move(p, temporary, path);
    }
    free(target);
    free(temporary);
    free(path);
    return ok;
}

static bool write_reference(pull *p)
{
    char *path = must_format("%s/refs/%s", p->folder, p->name.revision);
    char *temporary = must_format("%s.%ld.new", path, (long)getpid());
    bool ok = store_folders(p, path);
    FILE *file = ok ? fopen(temporary, "w") : NULL;

    if (ok) {
        ok = file && fputs(p->list.commit, file) >= 0 && !fflush(file) &&
             !fsync(fileno(file));
        if (file && fclose(file))
            ok = false;
        ok = ok || cannot(p, "write", temporary);
        ok = ok && move(p, temporary, path);
    }
    free(temporary);
    free(path);
    return ok;
}

int store_links(pull *p)
{
    bool ok = true;

    for (size_t i = 0; i < p->list.n && ok; i++)
        if (p->list.files[i].wanted)
            ok = link_file(p, &p->list.files[i]);
    if (ok && !pull_is_hex(p->name.revision, PULL_SHA1_DIGITS))
        ok = write_reference(p);
    return ok ? CLI_OK : CLI_FAILED;
}
