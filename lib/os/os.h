/* SPDX-License-Identifier: MIT
 * os.h - everything that differs between operating systems: files, threads,
 * clock, entropy. The only module that may hold an #ifdef for one. */
#ifndef PH_OS_H
#define PH_OS_H

#include "base/base.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- Files ------------------------------------------------------------- */

typedef struct ph_file {
    int fd;
    uint64_t size;
} ph_file;

/* Opens a regular file for reading. A directory, FIFO or device is refused
 * with what it is; opening never blocks. */
phial_status ph_file_open(ph_file *file, const char *path);

bool ph_path_exists(const char *path);
bool ph_path_is_folder(const char *path);

/* Reads exactly n bytes at offset; PHIAL_E_IO when the file has become shorter
 * or the system refuses. path is for the message. */
phial_status ph_file_read(const ph_file *file, const char *path,
                          uint64_t offset, void *buf, size_t n);
void ph_file_close(ph_file *file);

/* A file that takes the place of another, or of none, once all of it is
 * written; until then nothing is seen of it. */
typedef struct ph_new_file {
    const char *path; /* the caller's, until it is finished or discarded */
    const char *name; /* the end of it */
    int dir;          /* where it will be, and is now */
    int fd;
    char temporary[32]; /* its present name; "": none */
} ph_new_file;

/* What is at path must be a regular file, whose permissions are taken over, or
 * nothing: the file is then for its owner alone. heap is for this call. */
phial_status ph_new_file_open(ph_new_file *file, const ph_heap *heap,
                              const char *path);
phial_status ph_new_file_write(ph_new_file *file, const void *data, size_t n);

/* Puts the file in its place, so that it survives a power failure. On error
 * nothing is left of it, and what was at path is untouched. */
phial_status ph_new_file_finish(ph_new_file *file);

/* Instead of finishing; of no effect on one that is finished. */
void ph_new_file_discard(ph_new_file *file);

/* ---- Machine ----------------------------------------------------------- */

uint64_t ph_now_ns(void);      /* monotonic */
uint32_t ph_usable_cpus(void); /* by affinity and cgroup quota; >= 1 */
int64_t ph_process_id(void);   /* differs in a forked child */
phial_status ph_entropy(void *buf, size_t n);
phial_status ph_lock_memory(const void *ptr, size_t n);
void ph_unlock_memory(const void *ptr, size_t n);

/* Asks for large pages for what is at ptr, a multiple of PH_LARGE_PAGE; not
 * every system has them. */
enum { PH_LARGE_PAGE = 2 << 20 };

void ph_advise_large_pages(void *ptr, size_t n);

/* ---- Threads ----------------------------------------------------------- */

typedef pthread_t ph_thread;
typedef pthread_mutex_t ph_mutex;
typedef pthread_cond_t ph_cond;

/* Starts a thread with every signal blocked: the host's handlers never run on
 * our workers. */
phial_status ph_thread_start(ph_thread *thread, void *(*body)(void *),
                             void *arg);
void ph_thread_join(ph_thread thread);

/* ---- Floating point ---------------------------------------------------- */

/* The host may have set flush-to-zero or another rounding mode; results must
 * not depend on it. Enter sets round-to-nearest with subnormals and returns
 * what to restore. */
typedef struct ph_fpenv {
    uint64_t control;
} ph_fpenv;

ph_fpenv ph_fp_enter(void);
void ph_fp_leave(ph_fpenv saved);

#endif /* PH_OS_H */
