/* SPDX-License-Identifier: MIT
 * A file while it grows: locked, checked as it is read, moved to its place when
 * it is whole and right. */
#include "pull.h"
#include "pull_hash.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 20 };

static int cannot(pull *p, const char *what, const char *path)
{
    http_say(&p->http, "cannot %s %s: %s", what, path, strerror(errno));
    return CLI_FAILED;
}

/* Whether fd is still what path names: who held the lock before may have moved
 * the file away. */
static bool is_at(int fd, const char *path)
{
    struct stat ours, there;

    return !fstat(fd, &ours) && !stat(path, &there) &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* The same lock as huggingface_hub's. File systems without locks are taken as
 * they are. */
static int lock(pull *p, const char *path, int *out)
{
    bool held;

    if (!store_folders(p, path))
        return CLI_FAILED;
    *out = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (*out < 0)
        return cannot(p, "create", path);
    held = flock(*out, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
    if (!held && is_at(*out, path))
        return CLI_OK;
    http_say(&p->http, "another program is pulling the same file: it holds %s",
             path);
    return CLI_FAILED;
}

/* Reads all of fd into the hash; adds to *have. */
static int hash_file(pull *p, pull_hash *hash, int fd, const char *path,
                     uint64_t *have)
{
    char *buf = must_alloc(READ_BYTES, 1);
    int code = CLI_OK;

    while (code == CLI_OK) {
        const ssize_t n = read(fd, buf, READ_BYTES);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            code = cannot(p, "read", path);
        if (n <= 0)
            break;
        *have += (uint64_t)n;
        p->bytes_at = *have;
        if (p->http.tick)
            p->http.tick(p);
        if (interrupt_seen())
            code = CLI_INTERRUPTED;
        else if (!hash_add(hash, buf, (size_t)n))
            code = CLI_FAILED;
    }
    free(buf);
    return code;
}

static pull_hash *new_hash(pull *p, const hub_file *file)
{
    pull_hash *hash = hash_new(strlen(file->etag), file->size);

    if (!hash)
        http_say(&p->http, "libcrypto cannot compute the checksum of %s",
                 file->path);
    return hash;
}

/* What is longer than the file will be is none of it. */
static int take_up(part *t)
{
    struct stat info;
    int code;

    t->fd = open(t->part_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (t->fd < 0 || fstat(t->fd, &info))
        return cannot(t->p, "open", t->part_path);
    if (!S_ISREG(info.st_mode)) {
        http_say(&t->p->http, "%s is not a regular file", t->part_path);
        return CLI_FAILED;
    }
    if ((uint64_t)info.st_size > t->file->size)
        return part_restart(t) ? CLI_OK : CLI_FAILED;
    code = hash_file(t->p, t->hash, t->fd, t->part_path, &t->have);
    return code;
}

int part_open(pull *p, const hub_file *file, const char *path, part *out)
{
    char *lock_path = target_lock(p, file, path);
    int code;

    *out = (part){.p = p, .file = file, .lock = -1, .fd = -1};
    out->path = must_format("%s", path);
    out->part_path = must_format("%s.incomplete", path);
    out->hash = new_hash(p, file);
    code = out->hash && store_folders(p, path) ? CLI_OK : CLI_FAILED;
    if (code == CLI_OK)
        code = lock(p, lock_path, &out->lock);
    if (code == CLI_OK)
        code = take_up(out);
    free(lock_path);
    return code;
}

bool part_restart(part *t)
{
    t->have = 0;
    if (ftruncate(t->fd, 0) || lseek(t->fd, 0, SEEK_SET) ||
        !hash_restart(t->hash)) {
        cannot(t->p, "empty", t->part_path);
        return false;
    }
    return true;
}

bool part_add(part *t, const char *data, size_t n)
{
    if (!hash_add(t->hash, data, n))
        return http_say(&t->p->http, "libcrypto cannot go on with %s", t->path);
    while (n) {
        const ssize_t done = write(t->fd, data, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return cannot(t->p, "write to", t->part_path) == CLI_OK;
        data += done;
        n -= (size_t)done;
        t->have += (uint64_t)done;
    }
    return true;
}

int part_finish(part *t)
{
    char digits[PULL_SHA256_DIGITS + 1] = "";

    if (!hash_end(t->hash, digits) || strcmp(digits, t->file->etag)) {
        unlink(t->part_path);
        http_say(&t->p->http,
                 "%s is damaged: its checksum is %s and not %s, as the hub "
                 "says; what was received is removed",
                 t->file->path, digits, t->file->etag);
        return CLI_FAILED;
    }
    if (fsync(t->fd) || rename(t->part_path, t->path) ||
        !store_sync_folder(t->path))
        return cannot(t->p, "finish", t->path);
    return CLI_OK;
}

void part_close(part *t)
{
    struct stat info;

    /* An empty file is of no use to the next pull. */
    if (t->fd >= 0 && !fstat(t->fd, &info) && !info.st_size &&
        is_at(t->fd, t->part_path))
        unlink(t->part_path);
    if (t->fd >= 0)
        close(t->fd);
    if (t->lock >= 0)
        close(t->lock);
    hash_free(t->hash);
    free(t->path);
    free(t->part_path);
}

int part_check(pull *p, const hub_file *file, const char *path)
{
    char digits[PULL_SHA256_DIGITS + 1] = "";
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    pull_hash *hash = fd < 0 ? NULL : new_hash(p, file);
    uint64_t size = 0;
    int code;

    if (fd < 0)
        return cannot(p, "open", path);
    code = hash ? hash_file(p, hash, fd, path, &size) : CLI_FAILED;
    if (code == CLI_OK &&
        (!hash_end(hash, digits) || strcmp(digits, file->etag))) {
        http_say(&p->http, "%s exists and is not %s; --force overwrites it",
                 path, file->path);
        code = CLI_FAILED;
    }
    hash_free(hash);
    close(fd);
    return code;
}
