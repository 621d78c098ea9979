/* SPDX-License-Identifier: MIT
 * GGUF files on disk: paths that are no files, and files that are cut short or
 * overwritten while they are read. */
#include "check_main.h"
#include "formats_cases.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[64];

void scratch_make(void)
{
    strcpy(scratch, "/tmp/phial-test-formats-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void scratch_remove(void)
{
    ck_assert_int_eq(nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *in_scratch(const char *name)
{
    static char paths[2][512];
    static int turn;

    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", scratch, name);
    return paths[turn];
}

static void path_refused(const char *path, const char *phrase)
{
    ph_gguf *gguf = NULL;

    ck_status(ph_gguf_open(&ph_libc_heap, path, &gguf), PHIAL_E_IO);
    ck_assert_ptr_null(gguf);
    says(path);
    says(phrase);
}

START_TEST(paths_that_are_no_files_are_refused_without_waiting)
{
    path_refused(in_scratch("missing.gguf"), "no such file");
    path_refused(scratch, "is a directory without config.json");
    path_refused("/dev/zero", "is a device");
    ck_assert_int_eq(mkfifo(in_scratch("fifo.gguf"), 0600), 0);
    path_refused(in_scratch("fifo.gguf"), "is a pipe");
}
END_TEST

START_TEST(an_empty_file_is_named_empty)
{
    ph_gguf *gguf = NULL;

    gguf_write_bytes(in_scratch("m.gguf"), "", 0);
    ck_status(ph_gguf_open(&ph_libc_heap, in_scratch("m.gguf"), &gguf),
              PHIAL_E_FORMAT);
    says("m.gguf is empty, expected a GGUF file");
}
END_TEST

START_TEST(a_file_on_disk_reads_like_one_in_memory)
{
    gguf_writer *w = small_model();
    ph_gguf *gguf = NULL;

    gguf_write(w, in_scratch("m.gguf"));
    ck_status(ph_gguf_open(&ph_libc_heap, in_scratch("m.gguf"), &gguf),
              PHIAL_OK);
    walk(gguf);
    ck_assert_uint_eq(ph_gguf_n_entries(gguf), 26);
    ph_gguf_free(gguf);
    gguf_writer_free(w);
}
END_TEST

/* Offsets near 2^62 in a sparse file of 8 EiB - 1, which no disk holds. */
START_TEST(a_huge_sparse_file_is_no_trouble)
{
    gguf_writer *w = small_model();
    ph_gguf *gguf = NULL;
    const char *path = in_scratch("m.gguf");
    off_t size = (off_t)1 << 62;

    gguf_write(w, path);
    while (truncate(path, size) && size > 1 << 30)
        size /= 2; /* the file system's own limit */
    ck_status(ph_gguf_open(&ph_libc_heap, path, &gguf), PHIAL_OK);
    walk(gguf);
    ph_gguf_free(gguf);
    gguf_writer_free(w);
}
END_TEST

/* A heap that damages the file when it is asked for the nth block: that is at
 * a known point of the reading. */
typedef struct saboteur {
    size_t n_allocations, nth;
    const char *path;
    off_t keep; /* truncates to this; < 0: overwrites with noise */
    size_t size;
} saboteur;

static void strike(const saboteur *s)
{
    uint8_t *noise;

    if (s->keep >= 0) {
        ck_assert_int_eq(truncate(s->path, s->keep), 0);
        return;
    }
    noise = malloc(s->size);
    for (size_t i = 0; i < s->size; i++)
        noise[i] = (uint8_t)(i * 2654435761u >> 13);
    gguf_write_bytes(s->path, noise, s->size);
    free(noise);
}

static void *sabotaged_alloc(void *user, size_t size, size_t alignment)
{
    saboteur *s = user;

    if (++s->n_allocations == s->nth)
        strike(s);
    return ph_libc_heap.alloc(NULL, size, alignment);
}

static phial_status open_and_read(const ph_heap *heap, const char *path)
{
    ph_gguf *gguf;
    phial_status status = ph_gguf_open(heap, path, &gguf);
    uint8_t data[300];

    if (status < 0)
        return status;
    for (size_t i = 0; status >= 0 && i < ph_gguf_n_tensors(gguf); i++) {
        const ph_gguf_tensor *t = ph_gguf_tensor_at(gguf, i);

        status = ph_gguf_read(gguf, t, 0, data, t->bytes);
    }
    ph_gguf_free(gguf);
    return status;
}

/* Metadata in several steps, then the tensors at the end of the file. */
static gguf_writer *long_model(void)
{
    gguf_writer *w = small_model();
    char *text = calloc(1, 400000);

    gguf_put_bytes(w, "first", text, 100000);
    gguf_put_bytes(w, "second", text, 200000);
    gguf_put_bytes(w, "third", text, 400000);
    free(text);
    return w;
}

START_TEST(truncation_while_reading_is_an_error_at_every_point)
{
    gguf_writer *w = long_model();
    const char *path = in_scratch("m.gguf");
    size_t n, n_points = 0;
    uint8_t *data = gguf_to_memory(w, &n);

    for (size_t step = 0; step < 20; step++) {
        for (size_t nth = 1;; nth++) {
            saboteur s = {.nth = nth, .path = path};
            ph_heap heap = {sabotaged_alloc, ph_libc_heap.free, &s};
            phial_status status;

            s.keep = (off_t)(n * step / 20);
            gguf_write_bytes(path, data, n);
            status = open_and_read(&heap, path);
            if (s.n_allocations < nth)
                break;
            /* Cut before the file is opened, it is simply too short. */
            ck_assert_msg(status == PHIAL_E_IO || status == PHIAL_E_FORMAT,
                          "%zu at %zu: %d", nth, step, status);
            says(path);
            n_points++;
        }
    }
    ck_assert_uint_ge(n_points, 200);
    free(data);
    gguf_writer_free(w);
}
END_TEST

START_TEST(overwriting_while_reading_gives_a_status_at_every_point)
{
    gguf_writer *w = long_model();
    const char *path = in_scratch("m.gguf");
    size_t n;
    uint8_t *data = gguf_to_memory(w, &n);

    for (size_t nth = 1;; nth++) {
        saboteur s = {.nth = nth, .path = path, .keep = -1, .size = n};
        ph_heap heap = {sabotaged_alloc, ph_libc_heap.free, &s};

        gguf_write_bytes(path, data, n);
        open_and_read(&heap, path);
        if (s.n_allocations < nth)
            break;
    }
    free(data);
    gguf_writer_free(w);
}
END_TEST

void file_cases(Suite *suite)
{
    TCase *tc = tcase_create("files");

    tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, paths_that_are_no_files_are_refused_without_waiting);
    tcase_add_test(tc, an_empty_file_is_named_empty);
    tcase_add_test(tc, a_file_on_disk_reads_like_one_in_memory);
    tcase_add_test(tc, a_huge_sparse_file_is_no_trouble);
    tcase_add_test(tc, truncation_while_reading_is_an_error_at_every_point);
    tcase_add_test(tc, overwriting_while_reading_gives_a_status_at_every_point);
    suite_add_tcase(suite, tc);
}
