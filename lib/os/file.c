/* SPDX-License-Identifier: MIT
 * Reading regular files by position. Nothing is mapped: a mapped file that
 * somebody truncates kills the process with SIGBUS. */
#include "os/os.h"
#include "os/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The most that Linux moves in one call. */
#define PH_MAX_READ ((size_t)0x7ffff000)

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return "a device";
    return "not a regular file";
}

static phial_status refuse(const char *path, const char *verb, int error)
{
    return ph_fail(PHIAL_E_IO, "%s: cannot %s: %s (errno %d)",
                   ph_show_path(path).text, verb, ph_system_error(error),
                   error);
}

/* O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. It has
 * no effect on regular files. */
static int open_for_reading(const char *path)
{
    int fd;

    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

phial_status ph_file_open(ph_file *file, const char *path)
{
    struct stat st;
    int fd = open_for_reading(path);

    if (fd < 0)
        return refuse(path, "open", errno);
    if (fstat(fd, &st)) {
        int error = errno;

        close(fd);
        return refuse(path, "examine", error);
    }
    if (!S_ISREG(st.st_mode) || st.st_size < 0) {
        close(fd);
        return ph_fail(PHIAL_E_IO, "%s is %s, expected a regular file",
                       ph_show_path(path).text, kind_of(st.st_mode));
    }
    *file = (ph_file){fd, (uint64_t)st.st_size};
    return PHIAL_OK;
}

bool ph_path_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

bool ph_path_is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

phial_status ph_file_read(const ph_file *file, const char *path,
                          uint64_t offset, void *buf, size_t n)
{
    char *to = buf;
    size_t done = 0;

    if (offset > INT64_MAX || n > INT64_MAX - offset)
        return ph_fail(PHIAL_E_IO,
                       "%s: cannot read %zu bytes at offset %llu: beyond the "
                       "largest file offset",
                       ph_show_path(path).text, n, (unsigned long long)offset);
    while (done < n) {
        size_t want = n - done < PH_MAX_READ ? n - done : PH_MAX_READ;
        ssize_t got = pread(file->fd, to + done, want, (off_t)(offset + done));

        if (got > 0) {
            done += (size_t)got;
        } else if (got == 0) {
            return ph_fail(
                PHIAL_E_IO,
                "%s: the file ends at offset %llu, expected %zu "
                "bytes at offset %llu; it was %llu bytes long when "
                "opened",
                ph_show_path(path).text, (unsigned long long)(offset + done), n,
                (unsigned long long)offset, (unsigned long long)file->size);
        } else if (errno != EINTR) {
            int error = errno;

            return ph_fail(PHIAL_E_IO,
                           "%s: cannot read %zu bytes at offset %llu: %s "
                           "(errno %d)",
                           ph_show_path(path).text, n,
                           (unsigned long long)offset, ph_system_error(error),
                           error);
        }
    }
    return PHIAL_OK;
}

void ph_file_close(ph_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    *file = (ph_file){-1, 0};
}
