/* SPDX-License-Identifier: MIT
 * Files: what is opened, what is refused and with which sentence, and what
 * happens when the file changes under us. */
#include "check_main.h"
#include "os/os.h"
#include "os_cases.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[64];

static void setup(void)
{
    scratch_make(directory, sizeof directory);
}

static void teardown(void)
{
    scratch_remove(directory);
}

static const char *in_directory(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void refused(const char *path, const char *phrase)
{
    ph_file file = {-7, 9};

    ck_status(ph_file_open(&file, path), PHIAL_E_IO);
    ck_assert_msg(strstr(ph_error_text(), phrase) &&
                      strstr(ph_error_text(), path),
                  "\"%s\" lacks \"%s\" or the path", ph_error_text(), phrase);
    ck_assert_int_eq(file.fd, -7);
}

START_TEST(reads_any_range_of_a_file)
{
    const char *path;
    ph_file file;
    char buf[16] = "";

    scratch_write(directory, "f", "0123456789", 10);
    path = in_directory("f");
    ck_status(ph_file_open(&file, path), PHIAL_OK);
    ck_assert_uint_eq(file.size, 10);
    ck_assert(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
    ck_status(ph_file_read(&file, path, 3, buf, 4), PHIAL_OK);
    ck_assert_str_eq(buf, "3456");
    ck_status(ph_file_read(&file, path, 0, buf, 10), PHIAL_OK);
    ck_assert_str_eq(buf, "0123456789");
    ck_status(ph_file_read(&file, path, 10, buf, 0), PHIAL_OK);
    ph_file_close(&file);
    ck_assert_int_eq(file.fd, -1);
    ph_file_close(&file);
}
END_TEST

START_TEST(what_is_not_a_regular_file_is_named)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    refused(directory, "is a directory");
    refused("/dev/zero", "is a device");
    refused(in_directory("missing"), "no such file");
    refused("", "no such file");
    ck_assert_int_eq(mkfifo(in_directory("fifo"), 0600), 0);
    refused(in_directory("fifo"), "is a pipe"); /* and does not wait */
    strcpy(address.sun_path, in_directory("socket"));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    refused(in_directory("socket"), "socket");
    close(fd);
    scratch_write(directory, "plain", "x", 1);
    refused(in_directory("plain/below"), "not a directory");
    ck_assert_int_eq(symlink("loop", in_directory("loop")), 0);
    refused(in_directory("loop"), "symbolic links");
}
END_TEST

START_TEST(a_file_without_permission_is_refused)
{
    scratch_write(directory, "secret", "x", 1);
    ck_assert_int_eq(chmod(in_directory("secret"), 0), 0);
    if (geteuid() == 0 && (setegid(65534) || seteuid(65534)))
        return; /* cannot stop being root: nothing to see */
    refused(in_directory("secret"), "permission denied");
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(an_empty_file_opens_and_reading_it_fails_with_the_place)
{
    ph_file file;
    char byte = 'q';

    scratch_write(directory, "empty", "", 0);
    ck_status(ph_file_open(&file, in_directory("empty")), PHIAL_OK);
    ck_assert_uint_eq(file.size, 0);
    ck_status(ph_file_read(&file, "shown", 0, &byte, 1), PHIAL_E_IO);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "shown: "));
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "ends at offset 0"));
    ph_file_close(&file);
}
END_TEST

START_TEST(a_file_that_shrinks_after_opening_gives_an_error)
{
    ph_file file;
    char buf[100];

    for (int keep = 0; keep < 100; keep += 9) {
        char expected[64];

        scratch_write(directory, "f", buf, 100);
        ck_status(ph_file_open(&file, in_directory("f")), PHIAL_OK);
        ck_assert_int_eq(truncate(in_directory("f"), keep), 0);
        ck_status(ph_file_read(&file, "f", 0, buf, 100), PHIAL_E_IO);
        snprintf(expected, sizeof expected, "ends at offset %d", keep);
        ck_assert_ptr_nonnull(strstr(ph_error_text(), expected));
        ck_assert_ptr_nonnull(strstr(ph_error_text(), "100 bytes long"));
        ph_file_close(&file);
    }
}
END_TEST

START_TEST(offsets_beyond_the_largest_are_refused)
{
    ph_file file;
    char byte;

    scratch_write(directory, "f", "x", 1);
    ck_status(ph_file_open(&file, in_directory("f")), PHIAL_OK);
    ck_status(ph_file_read(&file, "f", UINT64_MAX, &byte, 1), PHIAL_E_IO);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "18446744073709551615"));
    ck_status(ph_file_read(&file, "f", 1ull << 63, &byte, 1), PHIAL_E_IO);
    ck_status(ph_file_read(&file, "f", INT64_MAX, &byte, 1), PHIAL_E_IO);
    ck_status(ph_file_read(&file, "f", INT64_MAX - 1, &byte, 1), PHIAL_E_IO);
    ph_file_close(&file);
    ck_status(ph_file_read(&file, "f", 0, &byte, 1), PHIAL_E_IO);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "bad file descriptor"));
}
END_TEST

START_TEST(messages_show_hostile_paths_harmlessly)
{
    char path[1200] = "/nonexistent/\x1b[31m\n\xff";
    ph_file file;

    ck_status(ph_file_open(&file, path), PHIAL_E_IO);
    ck_assert_ptr_nonnull(
        strstr(ph_error_text(), "/nonexistent/\\x1b[31m\\x0a\\xff: cannot"));
    memset(path, 'a', 1100);
    strcpy(path + 1100, "/the-name.gguf");
    ck_status(ph_file_open(&file, path), PHIAL_E_IO);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "a/the-name.gguf: cannot"));
    ck_assert_ptr_eq(strstr(ph_error_text(), "...aaaa"), ph_error_text());
}
END_TEST

void file_cases(Suite *suite)
{
    TCase *tc = tcase_create("file");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, reads_any_range_of_a_file);
    tcase_add_test(tc, what_is_not_a_regular_file_is_named);
    tcase_add_test(tc, a_file_without_permission_is_refused);
    tcase_add_test(tc, an_empty_file_opens_and_reading_it_fails_with_the_place);
    tcase_add_test(tc, a_file_that_shrinks_after_opening_gives_an_error);
    tcase_add_test(tc, offsets_beyond_the_largest_are_refused);
    tcase_add_test(tc, messages_show_hostile_paths_harmlessly);
    suite_add_tcase(suite, tc);
}
