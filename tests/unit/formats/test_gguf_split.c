/* SPDX-License-Identifier: MIT
 * Split models: read whole, and refused when a part is missing, foreign,
 * misnamed, or not the first. */
#include "check_main.h"
#include "formats_cases.h"

#include <stdio.h>
#include <unistd.h>

static phial_status open_walk(const char *path)
{
    ph_gguf *gguf = NULL;
    phial_status status = ph_gguf_open(&ph_libc_heap, path, &gguf);

    if (status == PHIAL_OK)
        walk(gguf);
    ph_gguf_free(gguf);
    return status;
}

static void write_parts(uint32_t n_parts)
{
    gguf_writer *w = small_model();

    gguf_write_split(w, in_scratch("m"), n_parts);
    gguf_writer_free(w);
}

/* Part part of three is written anew from w with key set to value. */
static void rewrite(const char *name, const char *key, uint32_t value,
                    const char *tensor)
{
    gguf_writer *w = gguf_writer_new();

    gguf_put_u32(w, "split.no", 1);
    gguf_put_u32(w, "split.count", 3);
    gguf_put_u32(w, key, value);
    gguf_put_tensor(w, tensor, PH_F32, (uint64_t[]){8}, 1, NULL);
    gguf_write(w, in_scratch(name));
    gguf_writer_free(w);
}

#define FIRST "m-00001-of-00003.gguf"
#define SECOND "m-00002-of-00003.gguf"
#define THIRD "m-00003-of-00003.gguf"

START_TEST(a_split_model_reads_like_one_file)
{
    for (uint32_t n_parts = 1; n_parts <= 5; n_parts++) {
        char name[64];
        ph_gguf *gguf;
        const ph_gguf_tensor *t;
        uint8_t data[72];

        write_parts(n_parts);
        snprintf(name, sizeof name, "m-00001-of-%05u.gguf", n_parts);
        ck_status(ph_gguf_open(&ph_libc_heap, in_scratch(name), &gguf),
                  PHIAL_OK);
        walk(gguf);
        ck_assert_uint_eq(ph_gguf_n_tensors(gguf), 5);
        ck_assert_uint_eq(ph_gguf_n_entries(gguf), 29);
        ck_assert_str_eq(ph_gguf_path(gguf), in_scratch(name));
        t = ph_gguf_find_tensor(gguf, "t.q4_0");
        ck_status(ph_gguf_read(gguf, t, 0, data, 72), PHIAL_OK);
        for (size_t i = 0; i < 72; i++)
            ck_assert_uint_eq(data[i], (uint8_t)(i * 7 + 1));
        t = ph_gguf_find_tensor(gguf, "t.q6_k");
        ck_assert_uint_eq(t->shard, n_parts - 1);
        ph_gguf_free(gguf);
    }
}
END_TEST

START_TEST(opening_another_part_says_which_file_to_open)
{
    write_parts(3);
    ck_status(open_walk(in_scratch(SECOND)), PHIAL_E_UNSUPPORTED);
    says(SECOND
         " is part 2 of 3 of a split model; open the first part, " FIRST);
    ck_status(open_walk(in_scratch(THIRD)), PHIAL_E_UNSUPPORTED);
    says("part 3 of 3");
    ck_assert_int_eq(rename(in_scratch(THIRD), in_scratch("x.gguf")), 0);
    ck_status(open_walk(in_scratch("x.gguf")), PHIAL_E_UNSUPPORTED);
    says("split.no is 2 of split.count 3");
}
END_TEST

START_TEST(a_missing_part_is_named)
{
    write_parts(3);
    ck_assert_int_eq(unlink(in_scratch(THIRD)), 0);
    ck_status(open_walk(in_scratch(FIRST)), PHIAL_E_IO);
    says(THIRD);
    says("no such file");
}
END_TEST

START_TEST(a_misnamed_first_part_is_refused)
{
    write_parts(3);
    ck_assert_int_eq(rename(in_scratch(FIRST), in_scratch("first.gguf")), 0);
    ck_status(open_walk(in_scratch("first.gguf")), PHIAL_E_FORMAT);
    says("has to end in -00001-of-00003.gguf");
}
END_TEST

START_TEST(parts_that_do_not_belong_together_are_refused)
{
    write_parts(3);
    rewrite(SECOND, "split.no", 2, "x");
    ck_status(open_walk(in_scratch(FIRST)), PHIAL_E_FORMAT);
    says(SECOND);
    says("metadata key \"split.no\" is 2, expected 1");
    rewrite(SECOND, "split.count", 4, "x");
    ck_status(open_walk(in_scratch(FIRST)), PHIAL_E_FORMAT);
    says("metadata key \"split.count\" is 4, expected 3");
    rewrite(SECOND, "other", 0, "x");
    ck_status(open_walk(in_scratch(FIRST)), PHIAL_E_FORMAT);
    says("\"split.tensors.count\" is 5, but the 3 parts have 4 tensors");
    rewrite(SECOND, "other", 0, "t.f32");
    ck_status(open_walk(in_scratch(FIRST)), PHIAL_E_FORMAT);
    says("5");
    gguf_write_bytes(in_scratch(SECOND), "PK\3\4....", 8);
    ck_status(open_walk(in_scratch(FIRST)), PHIAL_E_UNSUPPORTED);
    says(SECOND " is a ZIP archive");
}
END_TEST

START_TEST(a_tensor_in_two_parts_is_refused_with_both_files)
{
    gguf_writer *w = small_model();

    gguf_append_tensor(w, PH_STR("t.f32"), PH_F32, (uint64_t[]){8}, 1, NULL,
                       32);
    gguf_write_split(w, in_scratch("m"), 3);
    ck_status(open_walk(in_scratch(FIRST)), PHIAL_E_FORMAT);
    says(THIRD);
    says("tensor \"t.f32\" is there twice, first at offset");
    says(FIRST);
    gguf_writer_free(w);
}
END_TEST

START_TEST(part_numbers_out_of_range_are_refused)
{
    static const uint32_t counts[] = {257, 65535, UINT32_MAX};
    gguf_writer *w = small_model();

    for (size_t i = 0; i < 3; i++) {
        gguf_put_u32(w, "split.count", counts[i]);
        gguf_write(w, in_scratch("m.gguf"));
        ck_status(open_walk(in_scratch("m.gguf")), PHIAL_E_UNSUPPORTED);
        says("the limit is 256 parts");
    }
    gguf_put_u32(w, "split.count", 2);
    gguf_put_u32(w, "split.no", UINT32_MAX);
    gguf_write(w, in_scratch("m.gguf"));
    ck_status(open_walk(in_scratch("m.gguf")), PHIAL_E_UNSUPPORTED);
    gguf_put_i32(w, "split.no", -1);
    gguf_write(w, in_scratch("m.gguf"));
    ck_status(open_walk(in_scratch("m.gguf")), PHIAL_E_FORMAT);
    gguf_put_str(w, "split.no", "0");
    gguf_write(w, in_scratch("m.gguf"));
    ck_status(open_walk(in_scratch("m.gguf")), PHIAL_E_FORMAT);
    says("\"split.no\" is of type string, expected an integer");
    gguf_remove_key(w, "split.no");
    refuses(w, PHIAL_E_UNSUPPORTED, "a split model is read from files only",
            NULL);
}
END_TEST

/* A first part whose name is nothing but the suffix has no prefix to find the
 * others by. */
START_TEST(a_name_without_prefix_is_refused)
{
    gguf_writer *w = small_model();
    size_t n;
    uint8_t *data = gguf_part_to_memory(w, 0, 2, &n);

    gguf_write_bytes(in_scratch("-00001-of-00002.gguf"), data, n);
    ck_status(open_walk(in_scratch("-00001-of-00002.gguf")), PHIAL_E_IO);
    says("-00002-of-00002.gguf");
    free(data);
    gguf_writer_free(w);
}
END_TEST

START_TEST(the_limit_on_tensors_counts_all_parts)
{
    gguf_writer *w = gguf_writer_new();
    char name[32];

    for (uint32_t i = 0; i <= PH_GGUF_MAX_TENSORS; i++) {
        snprintf(name, sizeof name, "t%u", i);
        gguf_append_tensor(w, ph_str_of(name), PH_F32, (uint64_t[]){8}, 1, NULL,
                           32);
    }
    gguf_write_split(w, in_scratch("m"), 2);
    ck_status(open_walk(in_scratch("m-00001-of-00002.gguf")),
              PHIAL_E_UNSUPPORTED);
    says("m-00002-of-00002.gguf: with this part the model has 16385 tensors, "
         "the limit is 16384");
    gguf_writer_free(w);
}
END_TEST

static phial_status open_parts(void *user, const ph_heap *heap)
{
    ph_gguf *gguf = NULL;
    phial_status status = ph_gguf_open(heap, user, &gguf);

    ph_gguf_free(gguf);
    return status;
}

static int lowest_free_descriptor(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

START_TEST(every_allocation_may_fail_and_no_descriptor_leaks)
{
    char path[512];
    int before = lowest_free_descriptor();

    write_parts(3);
    snprintf(path, sizeof path, "%s", in_scratch(FIRST));
    ck_assert_uint_eq(failing_heap_loop(open_parts, path, NULL), 0);
    ck_assert_int_eq(lowest_free_descriptor(), before);
}
END_TEST

void split_cases(Suite *suite)
{
    TCase *tc = tcase_create("split");

    tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_split_model_reads_like_one_file);
    tcase_add_test(tc, opening_another_part_says_which_file_to_open);
    tcase_add_test(tc, a_missing_part_is_named);
    tcase_add_test(tc, a_misnamed_first_part_is_refused);
    tcase_add_test(tc, parts_that_do_not_belong_together_are_refused);
    tcase_add_test(tc, a_tensor_in_two_parts_is_refused_with_both_files);
    tcase_add_test(tc, part_numbers_out_of_range_are_refused);
    tcase_add_test(tc, a_name_without_prefix_is_refused);
    tcase_add_test(tc, the_limit_on_tensors_counts_all_parts);
    tcase_add_test(tc, every_allocation_may_fail_and_no_descriptor_leaks);
    suite_add_tcase(suite, tc);
}
