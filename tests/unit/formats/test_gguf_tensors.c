/* SPDX-License-Identifier: MIT
 * Each way in which the table of tensors can be wrong: shapes, sizes, places.
 */
#include "check_main.h"
#include "formats_cases.h"

/* One tensor of that type and shape, with n bytes of data. */
static gguf_writer *with_tensor(uint32_t type, const uint64_t *dims,
                                uint32_t n_dims, size_t n)
{
    gguf_writer *w = gguf_writer_new();

    gguf_append_tensor(w, PH_STR("the.tensor"), type, dims, n_dims, NULL, n);
    return w;
}

START_TEST(wrong_numbers_of_dimensions_are_refused)
{
    const uint64_t dims[8] = {1, 1, 1, 1, 1, 1, 1, 1};

    refuses(with_tensor(PH_F32, dims, 0, 4), PHIAL_E_FORMAT,
            "tensor \"the.tensor\": 0 dimensions, expected 1 to 4", NULL);
    refuses(with_tensor(PH_F32, dims, 5, 4), PHIAL_E_FORMAT,
            "tensor \"the.tensor\": 5 dimensions, expected 1 to 4", NULL);
    refuses(with_tensor(PH_F32, (uint64_t[]){4, 0}, 2, 16), PHIAL_E_FORMAT,
            "tensor \"the.tensor\": dimension 1 is 0", NULL);
    refuses(with_tensor(PH_Q4_K, (uint64_t[]){255}, 1, 144), PHIAL_E_FORMAT,
            "dimension 0 is 255, expected a multiple of 256 for type Q4_K",
            NULL);
}
END_TEST

/* CVE-2024-21802, CVE-2026-33298 and what followed: the number of elements or
 * of bytes wraps, and the check comes after the wrap. */
START_TEST(shapes_that_overflow_are_refused)
{
    static const uint64_t shapes[][4] = {
        {1ull << 32, 1ull << 32, 1, 1}, {UINT64_MAX, 1, 1, 1},
        {1ull << 63, 1, 1, 1},          {1ull << 62, 2, 1, 1},
        {3, UINT64_MAX / 3 + 1, 1, 1},  {65536, 65536, 65536, 65536},
        {256, 1ull << 56, 1, 1},
    };

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        refuses(with_tensor(PH_F32, shapes[i], 4, 64), PHIAL_E_FORMAT,
                "tensor \"the.tensor\": with dimension",
                "the number of elements overflows 63 bits", NULL);
        refuses(with_tensor(39, shapes[i], 4, 64), PHIAL_E_FORMAT,
                "overflows 63 bits", NULL);
    }
    refuses(with_tensor(PH_F32, (uint64_t[]){1ull << 62}, 1, 64),
            PHIAL_E_FORMAT, "overflows 64 bits", "type F32", NULL);
    refuses(with_tensor(PH_F16, (uint64_t[]){INT64_MAX}, 1, 64), PHIAL_E_FORMAT,
            "end beyond the file", NULL);
}
END_TEST

/* CVE-2025-53630, CVE-2026-27940: the sum of sizes; CVE-2026-7482: the extent
 * is not compared with the file. */
START_TEST(data_beyond_the_file_are_refused)
{
    gguf_writer *w = with_tensor(PH_F32, (uint64_t[]){16}, 1, 64);
    size_t n, offset_at = gguf_metadata_size(w) - 8;
    uint8_t *data = gguf_to_memory(w, &n);
    uint64_t start = n - 64;

    ck_status(try_bytes(data, n), PHIAL_OK);
    for (size_t cut = 1; cut <= 64; cut++) {
        ck_status(try_bytes(data, n - cut), PHIAL_E_FORMAT);
        says("tensor \"the.tensor\": its 64 bytes of data at offset");
        says("end beyond the file");
    }
    for (int bit = 5; bit < 64; bit++) {
        put_number(data + offset_at, 1ull << bit, 8);
        ck_status(try_bytes(data, n), PHIAL_E_FORMAT);
        says("end beyond the file");
    }
    put_number(data + offset_at, UINT64_MAX - 31, 8);
    ck_status(try_bytes(data, n), PHIAL_E_FORMAT);
    put_number(data + offset_at, 0 - start, 8); /* wraps to 0 */
    ck_status(try_bytes(data, n), PHIAL_E_FORMAT);
    free(data);
    gguf_writer_free(w);
}
END_TEST

START_TEST(offsets_off_the_alignment_are_refused)
{
    gguf_writer *w = with_tensor(PH_F32, (uint64_t[]){1}, 1, 256);
    size_t n, offset_at = gguf_metadata_size(w) - 8;
    uint8_t *data = gguf_to_memory(w, &n);

    for (uint64_t offset = 0; offset < 100; offset++) {
        put_number(data + offset_at, offset, 8);
        if (offset % 32 == 0) {
            ck_status(try_bytes(data, n), PHIAL_OK);
            continue;
        }
        ck_status(try_bytes(data, n), PHIAL_E_FORMAT);
        says("tensor \"the.tensor\": its data offset is");
        says("expected a multiple of the alignment 32");
    }
    free(data);
    gguf_writer_free(w);
}
END_TEST

START_TEST(overlapping_tensors_are_refused)
{
    gguf_writer *w = gguf_writer_new();
    size_t n, end;
    uint8_t *data;

    gguf_put_tensor(w, "a", PH_F32, (uint64_t[]){16}, 1, NULL);
    gguf_put_tensor(w, "unknown", 16, (uint64_t[]){256}, 1, NULL);
    gguf_put_tensor(w, "b", PH_F32, (uint64_t[]){16}, 1, NULL);
    end = gguf_metadata_size(w);
    data = gguf_to_memory(w, &n);
    for (uint64_t offset = 0; offset <= 64; offset += 32) {
        put_number(data + end - 8, offset, 8);
        if (offset == 64) {
            ck_status(try_bytes(data, n), PHIAL_OK);
            continue;
        }
        ck_status(try_bytes(data, n), PHIAL_E_FORMAT);
        says("the data of tensor \"b\" at offset");
        says("overlap those of \"a\", which end at");
    }
    free(data);
    gguf_writer_free(w);
}
END_TEST

START_TEST(tensors_may_lie_in_any_order_with_holes)
{
    gguf_writer *w = gguf_writer_new();
    size_t n, end;
    uint8_t *data;

    gguf_put_tensor(w, "a", PH_F32, (uint64_t[]){8}, 1, NULL);
    gguf_append_tensor(w, PH_STR("b"), PH_F32, (uint64_t[]){8}, 1, NULL, 256);
    end = gguf_metadata_size(w);
    data = gguf_to_memory(w, &n);
    put_number(data + end - 8, 0, 8);
    put_number(data + end - 8 - 33, 128, 8);
    ck_status(try_bytes(data, n), PHIAL_OK);
    free(data);
    gguf_writer_free(w);
}
END_TEST

void tensor_cases(Suite *suite)
{
    TCase *tc = tcase_create("tensors");

    tcase_add_test(tc, wrong_numbers_of_dimensions_are_refused);
    tcase_add_test(tc, shapes_that_overflow_are_refused);
    tcase_add_test(tc, data_beyond_the_file_are_refused);
    tcase_add_test(tc, offsets_off_the_alignment_are_refused);
    tcase_add_test(tc, overlapping_tensors_are_refused);
    tcase_add_test(tc, tensors_may_lie_in_any_order_with_holes);
    suite_add_tcase(suite, tc);
}
