/* SPDX-License-Identifier: MIT
 * Writing a file as a whole or not at all: beside its place under another name,
 * then moved there. Whoever looks sees the old file or the new one, also after
 * a crash at any point. */
#include "os/os.h"
#include "os/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The most that Linux moves in one call. */
#define PH_MAX_WRITE ((size_t)0x7ffff000)

enum { PRIVATE = S_IRUSR | S_IWUSR, ATTEMPTS = 16 };

static phial_status refuse(const ph_new_file *file, const char *verb, int error)
{
    return ph_fail(PHIAL_E_IO, "%s: cannot %s: %s (errno %d)",
                   ph_show_path(file->path).text, verb, ph_system_error(error),
                   error);
}

/* Opens the directory that the path names, "" being the present one. */
static phial_status open_directory(ph_new_file *file, const ph_heap *heap,
                                   size_t len)
{
    char *name = ph_alloc(heap, len + 2, 1);
    int error;

    if (!name)
        return ph_no_memory("a path", len + 2);
    memcpy(name, file->path, len);
    if (!len)
        name[0] = '.';
    do {
        file->dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (file->dir < 0 && errno == EINTR);
    error = errno;
    ph_free(heap, name);
    return file->dir < 0 ? refuse(file, "open its directory", error) : PHIAL_OK;
}

/* What is replaced must be a regular file; its permissions stay. A file that
 * was not there is for its owner alone. */
static phial_status look_at_old(const ph_new_file *file, mode_t *mode)
{
    struct stat st;

    *mode = PRIVATE;
    if (!*file->name)
        return refuse(file, "write", EISDIR);
    if (fstatat(file->dir, file->name, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? PHIAL_OK : refuse(file, "examine", errno);
    if (!S_ISREG(st.st_mode))
        return ph_fail(PHIAL_E_IO, "%s is %s, expected a regular file or none",
                       ph_show_path(file->path).text,
                       S_ISLNK(st.st_mode)   ? "a symbolic link"
                       : S_ISDIR(st.st_mode) ? "a directory"
                                             : "something else");
    *mode = st.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
    return PHIAL_OK;
}

/* A name that nobody can have prepared, and that is short: the file's own may
 * be as long as names can be. */
static phial_status create(ph_new_file *file, mode_t mode)
{
    uint64_t number;
    int error = EEXIST;

    for (int i = 0; i < ATTEMPTS && (error == EEXIST || error == EINTR); i++) {
        PH_TRY(ph_entropy(&number, sizeof number));
        snprintf(file->temporary, sizeof file->temporary, ".phial-%016llx",
                 (unsigned long long)number);
        file->fd = openat(file->dir, file->temporary,
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                          PRIVATE);
        error = file->fd < 0 ? errno : 0;
    }
    if (error)
        return refuse(file, "create a file beside it", error);
    if (mode != PRIVATE && fchmod(file->fd, mode))
        return refuse(file, "set the permissions of its successor", errno);
    return PHIAL_OK;
}

phial_status ph_new_file_open(ph_new_file *file, const ph_heap *heap,
                              const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t len = slash ? (size_t)(slash + 1 - path) : 0;
    phial_status status;
    mode_t mode;

    *file =
        (ph_new_file){.path = path, .name = path + len, .dir = -1, .fd = -1};
    status = open_directory(file, heap, len);
    if (status >= 0)
        status = look_at_old(file, &mode);
    if (status >= 0)
        status = create(file, mode);
    if (status < 0)
        ph_new_file_discard(file);
    return status;
}

phial_status ph_new_file_write(ph_new_file *file, const void *data, size_t n)
{
    const uint8_t *from = data;

    while (n > 0) {
        const ssize_t done =
            write(file->fd, from, n < PH_MAX_WRITE ? n : PH_MAX_WRITE);

        if (done > 0) {
            from += done;
            n -= (size_t)done;
        } else if (done == 0 || errno != EINTR) {
            return refuse(file, "write", done == 0 ? EIO : errno);
        }
    }
    return PHIAL_OK;
}

static int synchronise(int fd)
{
    int failed;

    do {
        failed = fsync(fd);
    } while (failed && errno == EINTR);
    return failed ? errno : 0;
}

/* The system closes it even when it reports an error. */
static int close_file(ph_new_file *file)
{
    const int failed = close(file->fd);

    file->fd = -1;
    return failed && errno != EINTR ? errno : 0;
}

static phial_status move(ph_new_file *file)
{
    int error = synchronise(file->fd);

    if (error)
        return refuse(file, "write", error);
    error = close_file(file);
    if (error)
        return refuse(file, "write", error);
    if (renameat(file->dir, file->temporary, file->dir, file->name))
        return refuse(file, "put the new file in its place", errno);
    file->temporary[0] = 0;
    error = synchronise(file->dir);
    if (error && error != EINVAL && error != ENOTSUP) /* no such operation */
        return ph_fail(PHIAL_E_IO,
                       "%s is written, but may be gone after a power failure: "
                       "its directory: %s (errno %d)",
                       ph_show_path(file->path).text, ph_system_error(error),
                       error);
    return PHIAL_OK;
}

phial_status ph_new_file_finish(ph_new_file *file)
{
    const phial_status status = move(file);

    ph_new_file_discard(file);
    return status;
}

void ph_new_file_discard(ph_new_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->dir >= 0 && file->temporary[0])
        unlinkat(file->dir, file->temporary, 0);
    if (file->dir >= 0)
        close(file->dir);
    *file = (ph_new_file){.dir = -1, .fd = -1};
}
