/* SPDX-License-Identifier: MIT
 * Saving over a file, with every call that it makes failing, cut short, or
 * being the last of the process: what is there afterwards is the old file or
 * the new one, and nothing else unless the process was killed. */
#include "file_hook.h"
#include "saved_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Pages of keys and values are written one by one; the last one is not full. */
enum { N_PAGES = 16, N_OLD = 20, N_NEW = 64 * N_PAGES - 10, MAX_POINTS = 2000 };

/* Where saving is interrupted: in the nth call, when so many bytes of it are
 * written. All of it written is the state before the next call. */
typedef struct point {
    size_t nth, written;
} point;

static char folder[] = "/tmp/phial-crash-XXXXXX", path[64];
static phial_session *session;
static saved_bytes old_file, new_file;
static size_t n_calls; /* that saving makes */
static point points[MAX_POINTS];
static size_t n_points;

static phial_session *empty_session(void)
{
    phial_model *model = open_model("short", 1);
    phial_session *s = new_session(model);

    phial_model_free(model);
    return s;
}

static phial_session *session_of(size_t n)
{
    phial_session *s = empty_session();
    phial_token tokens[N_NEW];
    size_t left;

    for (size_t i = 0; i < n; i++)
        tokens[i] = (phial_token)(i * 7 % 100);
    ck_status(phial_session_add_tokens(s, tokens, n), PHIAL_OK);
    ck_status(phial_session_prefill(s, SIZE_MAX, &left), PHIAL_OK);
    return s;
}

static void add_point(size_t nth, size_t written)
{
    ck_assert_uint_lt(n_points, MAX_POINTS);
    points[n_points++] = (point){nth, written};
}

/* Each is another state of the disk: before every call, and within a write
 * after every byte of a short one, and of a long one behind its first byte,
 * before its last, and at some two dozen places between. */
static void choose_points(void)
{
    n_points = 0;
    for (size_t nth = 1; nth <= n_calls; nth++) {
        const size_t n = file_hook_bytes(nth), stride = n > 24 ? n / 24 : 1;

        add_point(nth, 0);
        for (size_t written = stride; written < n; written += stride)
            add_point(nth, written);
        if (stride > 1)
            add_point(nth, 1);
        if (stride > 1 && (n - 1) % stride != 0)
            add_point(nth, n - 1);
    }
}

static void write_old(void)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(old_file.data, 1, old_file.len, f), old_file.len);
    fclose(f);
}

static void setup(void)
{
    const file_plan none = {.fault = FILE_NONE};
    phial_session *other = session_of(N_OLD);

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/session", folder);
    session = session_of(N_NEW);
    old_file = save_to_bytes(other);
    new_file = save_to_bytes(session);
    phial_session_free(other);
    write_old();
    ck_assert_int_eq(chmod(path, 0640), 0);
    file_hook_arm(&none);
    ck_status(phial_session_save(session, path), PHIAL_OK);
    n_calls = file_hook_disarm();
    ck_assert_uint_gt(n_calls, 2 * N_PAGES);
    ck_assert_uint_le(n_calls, MAX_CALLS);
    choose_points();
}

static void teardown(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
    phial_session_free(session);
    free(old_file.data);
    free(new_file.data);
}

/* Removes the files beside it; how many there were. */
static size_t clear_others(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char name[400];
    size_t n = 0;

    while ((entry = readdir(dir))) {
        if (!strcmp(entry->d_name, "session") || !strcmp(entry->d_name, ".") ||
            !strcmp(entry->d_name, ".."))
            continue;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        unlink(name);
        n++;
    }
    closedir(dir);
    return n;
}

static bool file_is(const saved_bytes *want)
{
    saved_bytes got = read_whole(path);
    const bool same = got.data && got.len == want->len &&
                      memcmp(got.data, want->data, got.len) == 0;

    free(got.data);
    return same;
}

/* In a process of its own, since this one cannot come back; its model is its
 * own, too. */
static void save_and_die(const file_plan *plan)
{
    const pid_t child = fork();
    int status = 0;

    if (child == 0) {
        phial_session *s = empty_session();

        if (phial_session_load_bytes(s, new_file.data, new_file.len) < 0)
            _exit(1);
        file_hook_arm(plan);
        phial_session_save(s, path);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == KILLED);
}

START_TEST(a_process_that_ends_leaves_the_old_file_or_the_new)
{
    size_t n_old = 0, n_new = 0;

    for (size_t i = 0; i < n_points; i++) {
        const file_plan plan = {.fault = FILE_KILL,
                                .nth = points[i].nth,
                                .partial = points[i].written};

        write_old();
        save_and_die(&plan);
        if (file_is(&old_file))
            n_old++;
        else
            n_new += file_is(&new_file);
        ck_assert_uint_eq(n_old + n_new, i + 1);
        ck_assert_uint_le(clear_others(), 1);
    }
    printf("%zu ends: %zu times the old file, %zu times the new\n", n_points,
           n_old, n_new);
    ck_assert_uint_ge(n_points, 500);
    ck_assert(n_old && n_new);
}
END_TEST

START_TEST(a_call_that_fails_leaves_the_old_file_and_nothing_else)
{
    static const int errors[] = {ENOSPC, EIO, EDQUOT, EFBIG};

    for (size_t i = 0; i < n_points; i++) {
        const file_plan plan = {.fault = FILE_ERROR,
                                .nth = points[i].nth,
                                .error = errors[i % 4],
                                .partial = points[i].written};

        write_old();
        file_hook_arm(&plan);
        ck_status(phial_session_save(session, path), PHIAL_E_IO);
        file_hook_disarm();
        if (plan.nth < n_calls)
            ck_assert(file_is(&old_file));
        else /* it is in its place, but the directory may not be written */
            ck_assert(file_is(&new_file));
        ck_assert_uint_eq(clear_others(), 0);
    }
    printf("%zu failures\n", n_points);
    ck_assert_uint_ge(n_points, 500);
}
END_TEST

START_TEST(short_writes_and_interruptions_do_not_matter)
{
    struct stat st;

    for (size_t at_once = 1; at_once < 400; at_once = at_once * 3 + 1) {
        const file_plan plan = {.fault = FILE_ERROR,
                                .nth = at_once + 3,
                                .error = EINTR,
                                .at_once = at_once};

        write_old();
        file_hook_arm(&plan);
        ck_status(phial_session_save(session, path), PHIAL_OK);
        ck_assert_uint_gt(file_hook_disarm(), new_file.len / at_once);
        ck_assert(file_is(&new_file));
        ck_assert_uint_eq(clear_others(), 0);
    }
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640); /* as that of the old one */
    unlink(path);
    ck_status(phial_session_save(session, path), PHIAL_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("saved crash");
    TCase *t = tcase_create("saved crash");

    tcase_set_timeout(t, 200);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_process_that_ends_leaves_the_old_file_or_the_new);
    tcase_add_test(t, a_call_that_fails_leaves_the_old_file_and_nothing_else);
    tcase_add_test(t, short_writes_and_interruptions_do_not_matter);
    suite_add_tcase(s, t);
    return s;
}

PH_CHECK_MAIN(suite())
