/* SPDX-License-Identifier: MIT
 * Phrases for the errno values that the calls of this module can produce. */
#include "os/system_error.h"

#include <errno.h>
#include <stddef.h>

static const struct {
    int error;
    const char *phrase;
} phrases[] = {
    {EACCES, "permission denied"},
    {EAGAIN, "a limit on resources was reached"},
    {EBADF, "bad file descriptor"},
    {EBUSY, "it is in use"},
    {EDQUOT, "the quota is used up"},
    {EEXIST, "there is such a file already"},
    {EFAULT, "bad address"},
    {EFBIG, "the file would be too large"},
    {EINTR, "interrupted by a signal"},
    {EINVAL, "invalid argument"},
    {EIO, "input/output error on the device"},
    {EISDIR, "it is a directory"},
    {ELOOP, "too many symbolic links"},
    {EMFILE, "too many open files in this process"},
    {ENAMETOOLONG, "the name is too long"},
    {ENFILE, "too many open files in the system"},
    {ENODEV, "no such device"},
    {ENOENT, "no such file"},
    {ENOMEM, "out of memory"},
    {ENOSPC, "the disk is full"},
    {ENOSYS, "not offered by this system"},
    {ENOTDIR, "a part of the path is not a directory"},
    {ENXIO, "no such device, or a socket"},
    {EOVERFLOW, "the file is too large for this system"},
    {EPERM, "operation not permitted"},
    {EROFS, "the file system is read-only"},
    {ESTALE, "the network file handle is stale"},
    {ETXTBSY, "the file is being executed"},
};

const char *ph_system_error(int error)
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (phrases[i].error == error)
            return phrases[i].phrase;
    }
    return "system error";
}
