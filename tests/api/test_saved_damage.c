/* SPDX-License-Identifier: MIT
 * Saved sessions that are damaged: every flipped bit and every cut is found,
 * and the session that should have loaded them is as it was. */
#include "saved_fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST = 512, N_FLIPS = 10000, N_CUTS = 1000, HEADER = 160 };

static phial_session *session; /* that loads */
static saved_bytes before, good;

/* In the middle of a turn, with text held back. */
static phial_session *in_a_turn(size_t n_events)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_model *model = open_model("short", 1);
    phial_session *s = NULL;
    phial_event event = PHIAL_INIT(phial_event);

    o.cache_format = PHIAL_CACHE_Q8;
    ck_status(phial_session_new(model, &o, &s), PHIAL_OK);
    phial_model_free(model);
    set_sampling(s, seeded(40));
    ck_status(phial_session_add_text(s, prompt, strlen(prompt), 0), PHIAL_OK);
    for (size_t i = 0; i < n_events; i++)
        ck_status(phial_step(&s, 1), PHIAL_OK);
    ck_status(phial_session_next(s, &event), PHIAL_OK);
    ck_status(phial_step(&s, 1), PHIAL_OK);
    return s;
}

static void setup(void)
{
    phial_session *other = in_a_turn(9);

    session = in_a_turn(5);
    before = save_to_bytes(session);
    good = save_to_bytes(other);
    phial_session_free(other);
    ck_assert_uint_gt(good.len, 4 * FIRST);
}

static void teardown(void)
{
    phial_session_free(session);
    free(before.data);
    free(good.data);
}

static void unchanged(void)
{
    saved_bytes now = save_to_bytes(session);

    check_same_bytes(&now, &before);
    free(now.data);
}

static void refused_with(const uint8_t *data, size_t len, size_t where)
{
    const phial_status status = phial_session_load_bytes(session, data, len);

    ck_assert_msg(status == PHIAL_E_FORMAT, "%s at %zu: %s",
                  phial_status_name(status), where, phial_last_error());
}

static void flip(size_t bit)
{
    good.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    refused_with(good.data, good.len, bit);
    good.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 20;
}

START_TEST(every_flipped_bit_is_found)
{
    uint64_t random = 1;

    for (size_t bit = 0; bit < 8 * FIRST; bit++)
        flip(bit);
    unchanged();
    for (int i = 0; i < N_FLIPS; i++)
        flip(8 * FIRST + next_random(&random) % (8 * (good.len - FIRST)));
    unchanged();
    ck_status(phial_session_load_bytes(session, good.data, good.len), PHIAL_OK);
}
END_TEST

static void cut(size_t len)
{
    uint8_t *copy = malloc(len + 1); /* a read too far is found by ASan */

    memcpy(copy, good.data, len);
    refused_with(copy, len, len);
    free(copy);
}

START_TEST(every_cut_is_found)
{
    uint64_t random = 2;
    uint8_t *longer = malloc(good.len + 1);

    for (size_t len = 0; len <= HEADER; len++)
        cut(len);
    for (int i = 0; i < N_CUTS; i++)
        cut(HEADER + next_random(&random) % (good.len - HEADER));
    memcpy(longer, good.data, good.len);
    longer[good.len] = 0;
    refused_with(longer, good.len + 1, good.len);
    unchanged();
    free(longer);
}
END_TEST

/* Two blocks of equal length change places, or one is taken from elsewhere. */
START_TEST(whole_blocks_in_the_wrong_place_are_found)
{
    saved_bytes other = save_to_bytes(session);
    const size_t at = good.len - 1000;

    memcpy(good.data + at, other.data + other.len - 1000, 1000);
    refused_with(good.data, good.len, at);
    unchanged();
    free(other.data);
}
END_TEST

/* ---- Files ------------------------------------------------------------- */

static void write_whole(const char *path, const uint8_t *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, n, f), n);
    fclose(f);
}

START_TEST(files_that_are_no_saved_session_are_refused)
{
    char folder[] = "/tmp/phial-saved-XXXXXX", path[64];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/it", folder);
    ck_status(phial_session_load(session, path), PHIAL_E_IO);
    ck_status(phial_session_load(session, folder), PHIAL_E_IO);
    ck_status(phial_session_save(session, folder), PHIAL_E_IO);
    ck_status(phial_session_save(session, ""), PHIAL_E_IO);
    ck_status(phial_session_save(session, "/nowhere/at/all"), PHIAL_E_IO);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_status(phial_session_load(session, path), PHIAL_E_IO);
    ck_status(phial_session_save(session, path), PHIAL_E_IO);
    unlink(path);
    ck_assert_int_eq(symlink("nothing", path), 0);
    ck_status(phial_session_save(session, path), PHIAL_E_IO);
    ck_assert_ptr_nonnull(strstr(phial_last_error(), "symbolic link"));
    unlink(path);
    write_whole(path, good.data, good.len / 2);
    ck_status(phial_session_load(session, path), PHIAL_E_FORMAT);
    ck_status(phial_session_load(session, model_path("short")), PHIAL_E_FORMAT);
    unchanged();
    write_whole(path, good.data, good.len);
    ck_status(phial_session_load(session, path), PHIAL_OK);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

TCase *damage_case(void)
{
    TCase *t = tcase_create("damage");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_flipped_bit_is_found);
    tcase_add_test(t, every_cut_is_found);
    tcase_add_test(t, whole_blocks_in_the_wrong_place_are_found);
    tcase_add_test(t, files_that_are_no_saved_session_are_refused);
    return t;
}
