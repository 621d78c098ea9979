/* SPDX-License-Identifier: MIT
 * Each way in which a GGUF file can be wrong, with the status and the sentence
 * that it must give. Several were vulnerabilities in other readers; the names
 * say which. */
#include "check_main.h"
#include "formats_cases.h"

/* The small model with n bytes at offset at replaced. */
static phial_status patched(size_t at, uint64_t value, size_t n)
{
    gguf_writer *w = small_model();
    size_t size;
    uint8_t *data = gguf_to_memory(w, &size);
    phial_status status;

    put_number(data + at, value, n);
    status = try_bytes(data, size);
    free(data);
    gguf_writer_free(w);
    return status;
}

/* One entry whose value is the given bytes. */
static gguf_writer *with_value(uint32_t type, const void *value, size_t n)
{
    gguf_writer *w = gguf_writer_new();

    gguf_append_raw(w, PH_STR("the.key"), type, value, n);
    return w;
}

START_TEST(foreign_files_are_named)
{
    static const struct {
        ph_str bytes;
        const char *kind;
    } files[] = {
        {PH_STR("PK\3\4................"), "a ZIP archive"},
        {PH_STR("\x80\2}q\0............"), "a Python pickle"},
        {PH_STR("\x80\4\x95............"), "a Python pickle"},
        {PH_STR("lmgg.................."), "the old GGML format (ggml)"},
        {PH_STR("tjgg\3\0\0\0.........."), "the old GGML format (ggjt)"},
        {PH_STR("algg.................."), "a GGML adapter (ggla)"},
        {PH_STR("{\"model_type\": \"phi3\"}"), "JSON text"},
        {PH_STR("{}"), "JSON text"},
        {PH_STR("{"), "JSON text"},
        {PH_STR("PK\3\4"), "a ZIP archive"},
        {PH_STR("\x40\0\0\0\0\0\0\0{"), "a safetensors file"},
        {PH_STR("\x40\0\0\0\0\0\0\0{\"__metadata__\""), "a safetensors file"},
        {PH_STR("\x41\0\0\0\x13\0\0\0blk.0.ffn_down.weight"),
         "llama.cpp's old format (.dat)"},
        {PH_STR("version https://git-lfs.github.com/spec/v1\n"),
         "a Git LFS pointer"},
        {PH_STR("<!DOCTYPE html>"), "a web page"},
        {PH_STR("\x1f\x8b\x08"), "a gzip archive"},
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ck_status(try_bytes(files[i].bytes.data, files[i].bytes.len),
                  PHIAL_E_UNSUPPORTED);
        says(files[i].kind);
        says("m.gguf is ");
        says("expected a GGUF file");
    }
}
END_TEST

START_TEST(unknown_magics_and_empty_files_are_refused)
{
    ck_status(try_bytes("", 0), PHIAL_E_FORMAT);
    says("m.gguf is empty");
    ck_status(try_bytes("G", 1), PHIAL_E_FORMAT);
    says("found \"G\", expected \"GGUF\"");
    ck_status(try_bytes("gguf\3\0\0\0", 8), PHIAL_E_FORMAT);
    ck_status(try_bytes("\x1b[2J....", 8), PHIAL_E_FORMAT);
    says("offset 0: not a GGUF file: found \"\\x1b[2J\"");
    /* No safetensors header of 4 GiB. */
    ck_status(try_bytes("\0\0\0\0\1\0\0\0{", 9), PHIAL_E_FORMAT);
    says("found \"\\x00\\x00\\x00\\x00\"");
    ck_status(try_bytes("GGUF", 4), PHIAL_E_FORMAT);
    says("offset 4: the version needs 4 bytes, but the file ends after 0 more");
}
END_TEST

START_TEST(other_versions_and_byte_orders_are_refused)
{
    ck_status(patched(4, 1, 4), PHIAL_E_UNSUPPORTED);
    says("offset 4: GGUF version 1 is obsolete, expected 2 or 3");
    ck_status(patched(4, 0x03000000, 4), PHIAL_E_UNSUPPORTED);
    says("offset 4: the file is big-endian GGUF");
    ck_status(patched(4, 4, 4), PHIAL_E_UNSUPPORTED);
    says("GGUF version 4 is unknown, expected 2 or 3");
    ck_status(patched(4, 0, 4), PHIAL_E_UNSUPPORTED);
    ck_status(patched(4, UINT32_MAX, 4), PHIAL_E_UNSUPPORTED);
}
END_TEST

/* CVE-2024-21836 and CVE-2024-23605: counts multiplied before any check. */
START_TEST(counts_that_the_file_cannot_hold_are_refused)
{
    static const uint64_t counts[] = {1000000,   UINT32_MAX, 1ull << 32,
                                      INT64_MAX, 1ull << 63, UINT64_MAX};

    for (size_t i = 0; i < 6; i++) {
        ck_status(patched(8, counts[i], 8), PHIAL_E_FORMAT);
        says("offset 8: the number of tensors is");
        says("bytes follow");
        ck_status(patched(16, counts[i], 8), PHIAL_E_FORMAT);
        says("offset 16: the number of metadata entries is");
    }
}
END_TEST

/* n zero bytes behind a header with these counts. */
static phial_status bare(uint64_t n_tensors, uint64_t n_entries, size_t n)
{
    uint8_t data[128] = "GGUF\3";

    put_number(data + 8, n_tensors, 8);
    put_number(data + 16, n_entries, 8);
    return try_bytes(data, 24 + n);
}

START_TEST(counts_are_compared_with_the_least_size_of_an_item)
{
    ck_status(bare(0, 1, 12), PHIAL_E_FORMAT);
    says("the number of metadata entries is 1, but only 12 bytes follow");
    ck_status(bare(0, 1, 13), PHIAL_E_FORMAT);
    says("the key is empty");
    ck_status(bare(1, 0, 31 - 8), PHIAL_E_FORMAT);
    says("the number of tensors is 1, but only 31 bytes follow");
    ck_status(bare(1, 0, 32 - 8), PHIAL_E_FORMAT);
    says("the name is empty");
}
END_TEST

/* CVE-2024-23496: a string's length plus one before the allocation. */
START_TEST(strings_longer_than_the_file_are_refused)
{
    static const uint64_t lengths[] = {100000, UINT32_MAX, INT64_MAX,
                                       UINT64_MAX - 1, UINT64_MAX};

    for (size_t i = 0; i < 5; i++) {
        uint8_t value[12] = {0};

        ck_status(patched(24, lengths[i], 8), PHIAL_E_FORMAT);
        says("offset 32: metadata entry 0: the key needs");
        says("the file ends after");
        put_number(value, lengths[i], 8);
        refuses(with_value(PH_GGUF_STRING, value, 8), PHIAL_E_FORMAT,
                "metadata key \"the.key\": the string needs", NULL);
        put_number(value, 1, 8);
        refuses(with_value(PH_GGUF_ARRAY,
                           "\10\0\0\0\2\0\0\0\0\0\0\0\xff\xff"
                           "\xff\xff\xff\xff\xff\xff........",
                           28),
                PHIAL_E_FORMAT, "a string of the array needs", NULL);
    }
}
END_TEST

/* CVE-2024-21825: the size of an array overflows. */
START_TEST(arrays_longer_than_the_file_are_refused)
{
    static const uint64_t counts[] = {100000, 1ull << 61, 1ull << 62,
                                      1ull << 63, UINT64_MAX};

    for (uint32_t elem = 0; elem <= PH_GGUF_F64; elem++) {
        for (size_t i = 0; i < 5; i++) {
            uint8_t value[12] = {0};

            if (elem == PH_GGUF_ARRAY)
                continue;
            put_number(value, elem, 4);
            put_number(value + 4, counts[i], 8);
            refuses(with_value(PH_GGUF_ARRAY, value, 12), PHIAL_E_FORMAT,
                    "offset 47: metadata key \"the.key\": the array has",
                    "bytes follow", NULL);
        }
    }
}
END_TEST

/* A header and one entry, with nothing behind the value. */
START_TEST(an_array_may_fill_the_file_to_its_last_byte)
{
    const char file[] = "GGUF\3\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                        "\1\0\0\0\0\0\0\0k\11\0\0\0\2\0\0\0"
                        "\3\0\0\0\0\0\0\0abcdef";

    ck_status(try_bytes(file, sizeof file - 1), PHIAL_OK);
    ck_status(try_bytes(file, sizeof file - 2), PHIAL_E_FORMAT);
    says("offset 41: metadata key \"k\": the array has 3 elements of type u16, "
         "but only 5 bytes follow");
}
END_TEST

START_TEST(unknown_types_and_nested_arrays_are_refused)
{
    static const uint32_t types[] = {13, 14, 255, 0x80000000u, UINT32_MAX};
    uint8_t value[16] = {0};

    for (size_t i = 0; i < 5; i++) {
        refuses(with_value(types[i], "........", 8), PHIAL_E_FORMAT,
                "offset 39: metadata key \"the.key\": the type of the value is",
                "expected 0 to 12", NULL);
        put_number(value, types[i], 4);
        refuses(with_value(PH_GGUF_ARRAY, value, 16), PHIAL_E_FORMAT,
                "offset 43: ", "the type of the array's elements is",
                "expected 0 to 12", NULL);
    }
    put_number(value, PH_GGUF_ARRAY, 4);
    refuses(with_value(PH_GGUF_ARRAY, value, 16), PHIAL_E_UNSUPPORTED,
            "offset 43: metadata key \"the.key\": the array holds arrays",
            NULL);
}
END_TEST

START_TEST(bools_are_0_or_1)
{
    refuses(with_value(PH_GGUF_BOOL, "\2", 1), PHIAL_E_FORMAT,
            "metadata key \"the.key\": a bool is 2, expected 0 or 1", NULL);
    refuses(with_value(PH_GGUF_ARRAY, "\7\0\0\0\3\0\0\0\0\0\0\0\1\0\xff", 15),
            PHIAL_E_FORMAT, "offset 57: ", "a bool is 255", NULL);
}
END_TEST

START_TEST(keys_and_names_are_not_empty)
{
    gguf_writer *w = gguf_writer_new();

    gguf_append_raw(w, PH_STR(""), PH_GGUF_U8, "x", 1);
    refuses(w, PHIAL_E_FORMAT, "offset 24: metadata entry 0: the key is empty",
            NULL);
    w = gguf_writer_new();
    gguf_append_tensor(w, PH_STR(""), PH_F32, (uint64_t[]){1}, 1, NULL, 4);
    refuses(w, PHIAL_E_FORMAT, "tensor 0: the name is empty", NULL);
}
END_TEST

START_TEST(duplicates_are_refused)
{
    gguf_writer *w = small_model();

    gguf_append_raw(w, PH_STR("v.u8"), PH_GGUF_U8, "x", 1);
    refuses(w, PHIAL_E_FORMAT, "metadata key \"v.u8\" is there twice, first at",
            NULL);
    w = small_model();
    gguf_append_tensor(w, PH_STR("t.f32"), PH_F32, (uint64_t[]){1}, 1, NULL, 4);
    refuses(w, PHIAL_E_FORMAT, "tensor \"t.f32\" is there twice, first at",
            NULL);
}
END_TEST

/* Three of them, so that the order is not one of two by chance. */
START_TEST(duplicates_are_reported_in_the_order_of_the_file)
{
    gguf_writer *w = gguf_writer_new();

    for (int i = 0; i < 3; i++)
        gguf_append_raw(w, PH_STR("key"), PH_GGUF_U8, "x", 1);
    refuses(
        w, PHIAL_E_FORMAT,
        "offset 48: metadata key \"key\" is there twice, first at offset 32",
        NULL);
    w = gguf_writer_new();
    for (int i = 0; i < 3; i++)
        gguf_append_tensor(w, PH_STR("t"), PH_F32, (uint64_t[]){8}, 1, NULL,
                           32);
    refuses(w, PHIAL_E_FORMAT,
            "offset 65: tensor \"t\" is there twice, first at offset 32", NULL);
}
END_TEST

START_TEST(names_in_messages_are_made_harmless)
{
    gguf_writer *w = gguf_writer_new();

    gguf_append_raw(w, PH_STR("\x1b[31m\n\xff"), 99, "x", 1);
    refuses(w, PHIAL_E_FORMAT, "metadata key \"\\x1b[31m\\x0a\\xff\": ", NULL);
    w = gguf_writer_new();
    gguf_append_tensor(w, PH_STR("t\r\x07"), PH_F32, (uint64_t[]){0}, 1, NULL,
                       0);
    refuses(w, PHIAL_E_FORMAT, "tensor \"t\\x0d\\x07\": dimension 0 is 0",
            NULL);
}
END_TEST

START_TEST(alignments_are_powers_of_two_in_range)
{
    static const uint32_t bad[] = {0,  1,  2,      4,      7,         9,
                                   12, 24, 65535,  65537,  131072,    1u << 31,
                                   48, 96, 0xffff, 0x8001, UINT32_MAX};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gguf_writer *w = small_model();

        gguf_put_u32(w, "general.alignment", bad[i]);
        refuses(w, PHIAL_E_FORMAT, "metadata key \"general.alignment\" is",
                "expected a power of two from 8 to 65536", NULL);
    }
}
END_TEST

START_TEST(an_alignment_of_another_type_is_refused)
{
    gguf_writer *w = small_model();

    gguf_put_str(w, "general.alignment", "32");
    refuses(w, PHIAL_E_FORMAT,
            "metadata key \"general.alignment\" is of type string", NULL);
    w = small_model();
    gguf_put_i32(w, "general.alignment", -32);
    refuses(w, PHIAL_E_FORMAT, "metadata key \"general.alignment\" is -32",
            NULL);
}
END_TEST

void refusal_cases(Suite *suite)
{
    TCase *tc = tcase_create("refusal");

    tcase_add_test(tc, foreign_files_are_named);
    tcase_add_test(tc, unknown_magics_and_empty_files_are_refused);
    tcase_add_test(tc, other_versions_and_byte_orders_are_refused);
    tcase_add_test(tc, counts_that_the_file_cannot_hold_are_refused);
    tcase_add_test(tc, counts_are_compared_with_the_least_size_of_an_item);
    tcase_add_test(tc, strings_longer_than_the_file_are_refused);
    tcase_add_test(tc, arrays_longer_than_the_file_are_refused);
    tcase_add_test(tc, an_array_may_fill_the_file_to_its_last_byte);
    tcase_add_test(tc, unknown_types_and_nested_arrays_are_refused);
    tcase_add_test(tc, bools_are_0_or_1);
    tcase_add_test(tc, keys_and_names_are_not_empty);
    tcase_add_test(tc, duplicates_are_refused);
    tcase_add_test(tc, duplicates_are_reported_in_the_order_of_the_file);
    tcase_add_test(tc, names_in_messages_are_made_harmless);
    tcase_add_test(tc, alignments_are_powers_of_two_in_range);
    tcase_add_test(tc, an_alignment_of_another_type_is_refused);
    suite_add_tcase(suite, tc);
}
