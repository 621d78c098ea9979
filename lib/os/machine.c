/* SPDX-License-Identifier: MIT
 * Clock, process id, entropy, locked memory and large pages. */
#include "os/os.h"
#include "os/system_error.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/random.h>
#endif

uint64_t ph_now_ns(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t ph_process_id(void)
{
    return getpid();
}

/* At most 256 bytes per call: such a request is never cut short. */
static int entropy_piece(void *buf, size_t n)
{
#if defined(__linux__)
    ssize_t got;

    do {
        got = getrandom(buf, n, 0);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? errno : (size_t)got == n ? 0 : EIO;
#else
    return getentropy(buf, n) ? errno : 0;
#endif
}

phial_status ph_entropy(void *buf, size_t n)
{
    uint8_t *to = buf;

    while (n) {
        size_t piece = n < 256 ? n : 256;
        int error = entropy_piece(to, piece);

        if (error)
            return ph_fail(PHIAL_E_IO,
                           "the system gives no random bytes: %s (errno %d)",
                           ph_system_error(error), error);
        to += piece;
        n -= piece;
    }
    return PHIAL_OK;
}

phial_status ph_lock_memory(const void *ptr, size_t n)
{
    if (mlock(ptr, n)) {
        int error = errno;

        return ph_fail(PHIAL_E_IO,
                       "cannot lock %zu bytes in memory: %s (errno %d); the "
                       "limit on locked memory may have to be raised",
                       n, ph_system_error(error), error);
    }
    return PHIAL_OK;
}

void ph_unlock_memory(const void *ptr, size_t n)
{
    munlock(ptr, n);
}

void ph_advise_large_pages(void *ptr, size_t n)
{
#if defined(MADV_HUGEPAGE)
    madvise(ptr, n, MADV_HUGEPAGE);
#else
    (void)ptr;
    (void)n;
#endif
}
