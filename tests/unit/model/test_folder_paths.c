/* SPDX-License-Identifier: MIT
 * Names and kinds of files in a checkpoint's folder: an index that names what
 * is not in it, and pipes, directories, devices and empty files in the place
 * of every file. Nothing outside is opened for a name's sake, and nothing
 * hangs. */
#include "folder_seed.h"

#include "formats/hf_folder.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX "model.safetensors.index.json"
#define PART "model-00001-of-00002.safetensors"

/* The index with every tensor of the first part in a file called name, which
 * is written as JSON. */
static void put_index(const folder_seed *seed, const char *name)
{
    const ph_str old = folder_seed_text(seed, INDEX);
    const size_t len = strlen(name), part = strlen(PART);
    char *text = malloc(old.len * (len + 1) + 1);
    size_t at = 0;

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < old.len;) {
        if (old.len - i >= part && memcmp(old.data + i, PART, part) == 0) {
            memcpy(text + at, name, len);
            at += len;
            i += part;
        } else {
            text[at++] = old.data[i++];
        }
    }
    folder_seed_put(seed, INDEX, text, at);
    free(text);
}

/* Whatever the name leads to is a good file: only the name is wrong. */
static void put_decoy(const folder_seed *seed, char outside[512])
{
    const ph_str part = folder_seed_text(seed, PART);

    snprintf(outside, 512, "%s-decoy.safetensors", seed->folder);
    gguf_write_bytes(outside, part.data, part.len);
}

static void check_name(const folder_seed *seed, const char *name, tally *t)
{
    phial_status status;

    put_index(seed, name);
    status = open_and_run(seed->folder);
    tally_add(t, status);
    ck_assert_msg(status == PHIAL_E_FORMAT, "\"%s\": %d, %s", name, status,
                  ph_error_text());
    ck_assert_msg(strstr(ph_error_text(), INDEX) != NULL &&
                      strstr(ph_error_text(), "weight_map") != NULL,
                  "\"%s\": %s", name, ph_error_text());
}

START_TEST(an_index_names_no_file_outside)
{
    static const char *const before[] = {
        "../",     "../../",   "/",           "//",         "./",
        "a/",      "a/../../", "..\\\\",      "C:\\\\",     "\\\\\\\\host\\\\",
        ".",       "..",       "...",         ".hidden",    "/proc/self/fd/",
        "\\u0000", "x\\u0000", "x\\u0000../", "../\\u0000", "x/\\n../",
    };
    folder_seed seed = folder_seed_open(SEED_PHI4_SHARDS);
    tally t = {"names outside", 0, 0};
    char outside[512], escaped[1200];
    const char *const behind[] = {"",
                                  PART,
                                  "decoy.safetensors",
                                  "3",
                                  strrchr(seed.folder, '/') + 1,
                                  "\\u2215" PART,
                                  "%2f..",
                                  "\\ud83d\\ude00",
                                  " ",
                                  "/"};

    put_decoy(&seed, outside);
    check_name(&seed, outside, &t);
    snprintf(escaped, sizeof escaped, "../%s", strrchr(outside, '/') + 1);
    check_name(&seed, escaped, &t);
    snprintf(escaped, sizeof escaped, "%s/%s", seed.folder, PART);
    check_name(&seed, escaped, &t);
    snprintf(escaped, sizeof escaped, "./%s", PART);
    check_name(&seed, escaped, &t);
    check_name(&seed, "", &t);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        for (size_t j = 0; j < sizeof behind / sizeof *behind; j++) {
            snprintf(escaped, sizeof escaped, "%s%s", before[i], behind[j]);
            check_name(&seed, escaped, &t);
        }
    }
    tally_print(&t);
    folder_seed_restore(&seed, INDEX);
    ck_status(open_and_run(seed.folder), PHIAL_OK);
    unlink(outside);
    folder_seed_close(&seed);
}
END_TEST

START_TEST(names_may_be_of_255_bytes)
{
    static const size_t lengths[] = {255, 256, 4095, 4096, 4097, 65536};
    folder_seed seed = folder_seed_open(SEED_PHI4_SHARDS);

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *name = malloc(lengths[i] + 1);

        memset(name, 'n', lengths[i]);
        name[lengths[i]] = 0;
        put_index(&seed, name);
        ck_status(open_and_run(seed.folder), i ? PHIAL_E_FORMAT : PHIAL_E_IO);
        ck_assert_ptr_nonnull(
            strstr(ph_error_text(), i ? "weight_map" : "cannot open"));
        free(name);
    }
    folder_seed_close(&seed);
}
END_TEST

/* Such names are plain, and no file has them; the sentence shows them. */
START_TEST(control_characters_are_shown)
{
    folder_seed seed = folder_seed_open(SEED_PHI4_SHARDS);

    for (unsigned c = 1; c <= 0x7f; c += c == 0x1f ? 0x60 : 1) {
        char name[64];

        snprintf(name, sizeof name, "x\\u%04x.safetensors", c);
        put_index(&seed, name);
        ck_status(open_and_run(seed.folder), PHIAL_E_IO);
        for (const char *p = ph_error_text(); *p; p++)
            ck_assert_msg((unsigned char)*p >= 0x20 && *p != 0x7f,
                          "0x%02x is in \"%s\"", c, ph_error_text());
    }
    folder_seed_close(&seed);
}
END_TEST

START_TEST(an_index_of_too_many_tensors_is_refused)
{
    folder_seed seed = folder_seed_open(SEED_PHI4_SHARDS);
    char *text = malloc(64 + (PH_GGUF_MAX_TENSORS + 1) * 48);
    size_t n = (size_t)sprintf(text, "{\"weight_map\":{");

    for (unsigned i = 0; i <= PH_GGUF_MAX_TENSORS; i++)
        n +=
            (size_t)sprintf(text + n, "%s\"%u\":\"%s\"", i ? "," : "", i, PART);
    n += (size_t)sprintf(text + n, "}}");
    folder_seed_put(&seed, INDEX, text, n);
    ck_status(open_and_run(seed.folder), PHIAL_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "16384"));
    free(text);
    folder_seed_close(&seed);
}
END_TEST

/* ---- Kinds ------------------------------------------------------------- */

typedef enum kind {
    DIRECTORY,
    PIPE,
    DEVICE, /* reads without an end */
    LOOP,   /* a link to itself */
    EMPTY,
    NUL,
    N_KINDS
} kind;

static void make(const char *path, kind k)
{
    int result = 0;

    unlink(path);
    if (k == DIRECTORY)
        result = mkdir(path, 0700);
    else if (k == PIPE)
        result = mkfifo(path, 0600);
    else if (k == DEVICE)
        result = symlink("/dev/zero", path);
    else if (k == LOOP)
        result = symlink(path, path);
    else
        gguf_write_bytes(path, "", k == NUL);
    ck_assert_int_eq(result, 0);
}

static void unmake(const char *path, kind k)
{
    ck_assert_int_eq(k == DIRECTORY ? rmdir(path) : unlink(path), 0);
}

/* What is there for no file but this one. */
static bool may_be_missing(const char *name)
{
    return strcmp(name, "generation_config.json") == 0 ||
           strcmp(name, "tokenizer_config.json") == 0;
}

START_TEST(no_file_is_of_another_kind)
{
    static const char *const names[] = {"config.json",
                                        "generation_config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        INDEX,
                                        PART};
    folder_seed seed = folder_seed_open(SEED_PHI4_SHARDS);
    tally t = {"files of other kinds", 0, 0};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (kind k = DIRECTORY; k < N_KINDS; k++) {
            char path[512];
            phial_status status;

            folder_seed_path(&seed, names[i], path);
            make(path, k);
            status = open_and_run(seed.folder);
            tally_add(&t, status);
            unmake(path, k);
            folder_seed_restore(&seed, names[i]);
            if (k == LOOP && status == PHIAL_OK) {
                ck_assert(may_be_missing(names[i]));
                continue;
            }
            ck_assert_msg(status < 0, "%s of kind %d", names[i], (int)k);
            ck_assert_msg(strstr(ph_error_text(), names[i]) != NULL ||
                              strstr(ph_error_text(), "config.json") != NULL ||
                              strstr(ph_error_text(), "no weights") != NULL,
                          "%s of kind %d: %s", names[i], (int)k,
                          ph_error_text());
        }
    }
    ck_status(open_and_run(seed.folder), PHIAL_OK);
    tally_print(&t);
    folder_seed_close(&seed);
}
END_TEST

/* A cache of downloads consists of links. */
START_TEST(links_are_followed_by_their_files_only)
{
    folder_seed seed = folder_seed_open(SEED_PHI4_SHARDS);
    char outside[512], path[512];

    put_decoy(&seed, outside);
    folder_seed_path(&seed, PART, path);
    unlink(path);
    ck_assert_int_eq(symlink(outside, path), 0);
    ck_status(open_and_run(seed.folder), PHIAL_OK);
    unlink(outside);
    ck_status(open_and_run(seed.folder), PHIAL_E_IO);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), PART));
    unlink(path);
    folder_seed_restore(&seed, PART);
    folder_seed_close(&seed);
}
END_TEST

TCase *folder_paths_cases(void)
{
    TCase *t = tcase_create("folder paths");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, an_index_names_no_file_outside);
    tcase_add_test(t, names_may_be_of_255_bytes);
    tcase_add_test(t, control_characters_are_shown);
    tcase_add_test(t, an_index_of_too_many_tensors_is_refused);
    tcase_add_test(t, no_file_is_of_another_kind);
    tcase_add_test(t, links_are_followed_by_their_files_only);
    return t;
}
