/* SPDX-License-Identifier: MIT
 * What is written comes back: every type of metadata, arrays, tensors; and the
 * typed reads with their conversions. */
#include "check_main.h"
#include "formats_cases.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static uint8_t *bytes;
static ph_gguf *gguf;

static void setup(void)
{
    gguf_writer *w = small_model();
    size_t n;

    bytes = gguf_to_memory(w, &n);
    gguf_writer_free(w);
    ck_status(ph_gguf_open_memory(&ph_libc_heap, "m.gguf", bytes, n, &gguf),
              PHIAL_OK);
}

static void teardown(void)
{
    ph_gguf_free(gguf);
    free(bytes);
}

START_TEST(every_entry_comes_back_in_order_with_its_bytes)
{
    static const struct {
        const char *key;
        ph_gguf_type type;
        size_t size;
    } expected[] = {
        {"general.architecture", PH_GGUF_STRING, 4},
        {"v.u8", PH_GGUF_U8, 1},
        {"v.i8", PH_GGUF_I8, 1},
        {"v.u16", PH_GGUF_U16, 2},
        {"v.i16", PH_GGUF_I16, 2},
        {"v.u32", PH_GGUF_U32, 4},
        {"v.i32", PH_GGUF_I32, 4},
        {"v.u64", PH_GGUF_U64, 8},
        {"v.i64", PH_GGUF_I64, 8},
        {"v.f32", PH_GGUF_F32, 4},
        {"v.f64", PH_GGUF_F64, 8},
        {"v.true", PH_GGUF_BOOL, 1},
        {"v.false", PH_GGUF_BOOL, 1},
        {"a.u8", PH_GGUF_ARRAY, 8},
    };
    uint64_t u64 = 10000000000000000000u;

    ck_assert_uint_eq(ph_gguf_n_entries(gguf), 26);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const ph_gguf_entry *entry = ph_gguf_entry_at(gguf, i);

        ck_assert(ph_str_is(entry->key, expected[i].key));
        ck_assert_int_eq(entry->type, expected[i].type);
        ck_assert_uint_eq(entry->data.len, expected[i].size);
        ck_assert_ptr_eq(ph_gguf_find(gguf, expected[i].key), entry);
    }
    ck_assert_mem_eq(ph_gguf_find(gguf, "v.u64")->data.data, &u64, 8);
    ck_assert_ptr_null(ph_gguf_find(gguf, "v.u6"));
    ck_assert_ptr_null(ph_gguf_find(gguf, "v.u644"));
    ck_assert_ptr_null(ph_gguf_find(gguf, ""));
    ck_assert_str_eq(ph_gguf_path(gguf), "m.gguf");
}
END_TEST

START_TEST(integers_of_every_width_are_read_where_they_fit)
{
    uint32_t v = 1;
    const uint32_t fallback = 77;

    ck_status(ph_gguf_u32(gguf, "v.u8", NULL, &v), PHIAL_OK);
    ck_assert_uint_eq(v, 200);
    ck_status(ph_gguf_u32(gguf, "v.u16", &fallback, &v), PHIAL_OK);
    ck_assert_uint_eq(v, 50000);
    ck_status(ph_gguf_u32(gguf, "v.u32", NULL, &v), PHIAL_OK);
    ck_assert_uint_eq(v, 4000000000u);
    ck_status(ph_gguf_u32(gguf, "v.none", &fallback, &v), PHIAL_OK);
    ck_assert_uint_eq(v, 77);

    ck_status(ph_gguf_u32(gguf, "v.i8", &fallback, &v), PHIAL_E_FORMAT);
    says("m.gguf: metadata key \"v.i8\" is -100, expected 0 to 4294967295");
    ck_status(ph_gguf_u32(gguf, "v.i16", &fallback, &v), PHIAL_E_FORMAT);
    says("is -30000,");
    ck_status(ph_gguf_u32(gguf, "v.i32", &fallback, &v), PHIAL_E_FORMAT);
    says("is -2000000000,");
    ck_status(ph_gguf_u32(gguf, "v.i64", &fallback, &v), PHIAL_E_FORMAT);
    says("is -9000000000000000000,");
    ck_status(ph_gguf_u32(gguf, "v.u64", &fallback, &v), PHIAL_E_FORMAT);
    says("is 10000000000000000000,");
    ck_status(ph_gguf_u32(gguf, "v.f32", &fallback, &v), PHIAL_E_FORMAT);
    says("\"v.f32\" is of type f32, expected an integer");
    ck_status(ph_gguf_u32(gguf, "v.true", &fallback, &v), PHIAL_E_FORMAT);
    ck_status(ph_gguf_u32(gguf, "a.u32", &fallback, &v), PHIAL_E_FORMAT);
    says("of type array of u32");
    ck_status(ph_gguf_u32(gguf, "v.none", NULL, &v), PHIAL_E_FORMAT);
    says("m.gguf: metadata key \"v.none\" is missing");
    ck_assert_uint_eq(v, 77);
}
END_TEST

START_TEST(small_positive_values_of_signed_types_are_read)
{
    gguf_writer *w = gguf_writer_new();
    static const char *const keys[] = {"i8", "i16", "i32", "i64", "u64"};
    uint8_t *data;
    size_t n;
    ph_gguf *other;
    uint32_t v;

    gguf_put_i8(w, "i8", 120);
    gguf_put_i16(w, "i16", 120);
    gguf_put_i32(w, "i32", 120);
    gguf_put_i64(w, "i64", 120);
    gguf_put_u64(w, "u64", 120);
    gguf_put_i64(w, "max", UINT32_MAX);
    gguf_put_i64(w, "more", UINT32_MAX + 1ll);
    gguf_put_i64(w, "least", INT64_MIN);
    data = gguf_to_memory(w, &n);
    ck_status(ph_gguf_open_memory(&ph_libc_heap, "o", data, n, &other),
              PHIAL_OK);
    for (size_t i = 0; i < 5; i++) {
        v = 0;
        ck_status(ph_gguf_u32(other, keys[i], NULL, &v), PHIAL_OK);
        ck_assert_uint_eq(v, 120);
    }
    ck_status(ph_gguf_u32(other, "max", NULL, &v), PHIAL_OK);
    ck_assert_uint_eq(v, UINT32_MAX);
    ck_status(ph_gguf_u32(other, "more", NULL, &v), PHIAL_E_FORMAT);
    ck_status(ph_gguf_u32(other, "least", NULL, &v), PHIAL_E_FORMAT);
    says("is -9223372036854775808,");
    ph_gguf_free(other);
    free(data);
    gguf_writer_free(w);
}
END_TEST

START_TEST(floats_bools_and_strings_are_read_by_type)
{
    const float no_float = 9;
    const bool yes = true;
    const ph_str no_str = PH_STR("none");
    float f = 0;
    bool b = false;
    ph_str s = {0};

    ck_status(ph_gguf_f32(gguf, "v.f32", NULL, &f), PHIAL_OK);
    ck_assert(f == 0.1f);
    ck_status(ph_gguf_f32(gguf, "v.f64", NULL, &f), PHIAL_OK);
    ck_assert(f == (float)0.1);
    ck_status(ph_gguf_f32(gguf, "none", &no_float, &f), PHIAL_OK);
    ck_assert(f == 9);
    ck_status(ph_gguf_f32(gguf, "none", NULL, &f), PHIAL_E_FORMAT);
    ck_status(ph_gguf_f32(gguf, "v.u32", &no_float, &f), PHIAL_E_FORMAT);
    says("\"v.u32\" is of type u32, expected f32 or f64");

    ck_status(ph_gguf_bool(gguf, "v.true", NULL, &b), PHIAL_OK);
    ck_assert(b);
    ck_status(ph_gguf_bool(gguf, "v.false", &yes, &b), PHIAL_OK);
    ck_assert(!b);
    ck_status(ph_gguf_bool(gguf, "none", &yes, &b), PHIAL_OK);
    ck_assert(b);
    ck_status(ph_gguf_bool(gguf, "none", NULL, &b), PHIAL_E_FORMAT);
    ck_status(ph_gguf_bool(gguf, "v.u8", &yes, &b), PHIAL_E_FORMAT);
    says("of type u8, expected bool");

    ck_status(ph_gguf_str(gguf, "general.architecture", NULL, &s), PHIAL_OK);
    ck_assert(ph_str_is(s, "phi3"));
    ck_status(ph_gguf_str(gguf, "none", &no_str, &s), PHIAL_OK);
    ck_assert(ph_str_is(s, "none"));
    ck_status(ph_gguf_str(gguf, "none", NULL, &s), PHIAL_E_FORMAT);
    ck_status(ph_gguf_str(gguf, "a.str", &no_str, &s), PHIAL_E_FORMAT);
    says("of type array of string, expected string");
    ck_assert(ph_str_is(s, "none"));
}
END_TEST

START_TEST(doubles_beyond_float_are_refused_but_infinity_is_passed_on)
{
    gguf_writer *w = gguf_writer_new();
    uint8_t *data;
    size_t n;
    ph_gguf *other;
    float f = 5;

    gguf_put_f64(w, "huge", -1e300);
    gguf_put_f64(w, "greatest", (double)FLT_MAX);
    gguf_put_f64(w, "infinity", INFINITY);
    gguf_put_f64(w, "nan", NAN);
    data = gguf_to_memory(w, &n);
    ck_status(ph_gguf_open_memory(&ph_libc_heap, "o", data, n, &other),
              PHIAL_OK);
    ck_status(ph_gguf_f32(other, "huge", NULL, &f), PHIAL_E_FORMAT);
    says("\"huge\" is an f64 beyond the range of f32");
    ck_assert(f == 5);
    ck_status(ph_gguf_f32(other, "greatest", NULL, &f), PHIAL_OK);
    ck_assert(f == FLT_MAX);
    ck_status(ph_gguf_f32(other, "infinity", NULL, &f), PHIAL_OK);
    ck_assert(isinf(f));
    ck_status(ph_gguf_f32(other, "nan", NULL, &f), PHIAL_OK);
    ck_assert(isnan(f));
    ph_gguf_free(other);
    free(data);
    gguf_writer_free(w);
}
END_TEST

START_TEST(arrays_give_their_elements)
{
    static const ph_gguf_type elems[] = {PH_GGUF_U8,  PH_GGUF_I8,   PH_GGUF_U16,
                                         PH_GGUF_I16, PH_GGUF_U32,  PH_GGUF_I32,
                                         PH_GGUF_F32, PH_GGUF_BOOL, PH_GGUF_U64,
                                         PH_GGUF_I64, PH_GGUF_F64};
    static const size_t counts[] = {8, 3, 4, 1, 2, 3, 2, 8, 2, 1, 4};
    const ph_gguf_entry *entry = NULL;
    const int32_t i32[3] = {-1, 0, 7};
    size_t at = 0;

    for (size_t i = 0; i < 11; i++) {
        char key[16];

        snprintf(key, sizeof key, "a.%s", ph_gguf_type_name(elems[i]));
        ck_status(ph_gguf_array(gguf, key, elems[i], &entry), PHIAL_OK);
        ck_assert_uint_eq(entry->count, counts[i]);
        ck_assert_uint_eq(entry->data.len,
                          counts[i] * ph_gguf_type_size(elems[i]));
    }
    ck_status(ph_gguf_array(gguf, "a.i32", PH_GGUF_I32, &entry), PHIAL_OK);
    ck_assert_mem_eq(entry->data.data, i32, sizeof i32);
    ck_status(ph_gguf_array(gguf, "a.empty", PH_GGUF_F32, &entry), PHIAL_OK);
    ck_assert_uint_eq(entry->count, 0);
    ck_status(ph_gguf_array(gguf, "a.str", PH_GGUF_STRING, &entry), PHIAL_OK);
    ck_assert_uint_eq(entry->count, 3);
    ck_assert(ph_str_is(ph_gguf_next_string(entry, &at), "one"));
    ck_assert(ph_str_is(ph_gguf_next_string(entry, &at), ""));
    ck_assert(ph_str_eq(ph_gguf_next_string(entry, &at), PH_STR("a\0b")));
    ck_assert_uint_eq(at, entry->data.len);

    ck_status(ph_gguf_array(gguf, "a.str", PH_GGUF_I32, &entry),
              PHIAL_E_FORMAT);
    says("of type array of string, expected array of i32");
    ck_status(ph_gguf_array(gguf, "v.u8", PH_GGUF_STRING, &entry),
              PHIAL_E_FORMAT);
    says("of type u8, expected array of string");
    ck_status(ph_gguf_array(gguf, "none", PH_GGUF_U8, &entry), PHIAL_E_FORMAT);
    says("is missing");
}
END_TEST

START_TEST(tensors_come_back_with_shape_place_and_data)
{
    const ph_gguf_tensor *t = ph_gguf_find_tensor(gguf, "t.q4_0");
    uint8_t data[72];

    ck_assert_uint_eq(ph_gguf_n_tensors(gguf), 5);
    ck_assert_ptr_eq(t, ph_gguf_tensor_at(gguf, 1));
    ck_assert_uint_eq(t->type, PH_Q4_0);
    ck_assert_uint_eq(t->n_dims, 2);
    ck_assert_uint_eq(t->dims[0], 64);
    ck_assert_uint_eq(t->dims[1], 2);
    ck_assert_uint_eq(t->dims[2], 1);
    ck_assert_uint_eq(t->dims[3], 1);
    ck_assert_uint_eq(t->bytes, 72);
    ck_assert_uint_eq(t->offset % 32, 0);
    ck_status(ph_gguf_read(gguf, t, 0, data, 72), PHIAL_OK);
    for (size_t i = 0; i < 72; i++)
        ck_assert_uint_eq(data[i], (uint8_t)(i * 7 + 1));
    ck_status(ph_gguf_read(gguf, t, 70, data, 2), PHIAL_OK);
    ck_assert_uint_eq(data[0], (uint8_t)(70 * 7 + 1));
    ck_status(ph_gguf_read(gguf, t, 70, data, 3), PHIAL_E_INTERNAL);
    says("3 bytes from 70");
    ck_status(ph_gguf_read(gguf, t, 73, data, 0), PHIAL_E_INTERNAL);
    ck_status(ph_gguf_read(gguf, t, UINT64_MAX, data, 2), PHIAL_E_INTERNAL);

    t = ph_gguf_find_tensor(gguf, "t.f16");
    ck_assert_uint_eq(t->n_dims, 4);
    ck_assert_uint_eq(t->bytes, 48);
    t = ph_gguf_find_tensor(gguf, "t.mxfp4");
    ck_assert_uint_eq(t->type, 39);
    ck_assert_uint_eq(t->bytes, 0);
}
END_TEST

START_TEST(every_alignment_and_both_versions_are_read)
{
    for (uint32_t alignment = 8; alignment <= 65536; alignment *= 2) {
        for (uint32_t version = 2; version <= 3; version++) {
            gguf_writer *w = small_model();

            gguf_set_alignment(w, alignment);
            gguf_set_version(w, version);
            ck_status(try_writer(w), PHIAL_OK);
            gguf_writer_free(w);
        }
    }
}
END_TEST

START_TEST(a_file_without_entries_or_tensors_is_read)
{
    gguf_writer *w = gguf_writer_new();

    ck_status(try_writer(w), PHIAL_OK);
    ck_status(try_bytes("GGUF\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24),
              PHIAL_OK);
    gguf_writer_free(w);
}
END_TEST

/* corpus/gguf/reference.gguf was written by the gguf package, an independent
 * implementation; see tests/fuzz/make_gguf_reference.py. */
START_TEST(a_file_of_the_reference_writer_is_read)
{
    const ph_gguf_entry *entry;
    const ph_gguf_tensor *t;
    ph_gguf *other;
    size_t at = 0;
    uint32_t u32;
    float f, values[6];
    ph_str s;

    ck_status(ph_gguf_open(&ph_libc_heap,
                           "tests/fuzz/corpus/gguf/reference.gguf", &other),
              PHIAL_OK);
    walk(other);
    ck_status(ph_gguf_str(other, "general.architecture", NULL, &s), PHIAL_OK);
    ck_assert(ph_str_is(s, "phi3"));
    ck_status(ph_gguf_u32(other, "phi3.block_count", NULL, &u32), PHIAL_OK);
    ck_assert_uint_eq(u32, 2);
    ck_status(
        ph_gguf_f32(other, "phi3.attention.layer_norm_rms_epsilon", NULL, &f),
        PHIAL_OK);
    ck_assert(f == 1e-5f);
    ck_status(
        ph_gguf_array(other, "tokenizer.ggml.tokens", PH_GGUF_STRING, &entry),
        PHIAL_OK);
    ck_assert_uint_eq(entry->count, 3);
    ck_assert(ph_str_is(ph_gguf_next_string(entry, &at), "a"));
    ck_assert(ph_str_is(ph_gguf_next_string(entry, &at), "\xc4\xa0"
                                                         "b"));
    t = ph_gguf_find_tensor(other, "token_embd.weight");
    ck_assert_uint_eq(t->dims[0], 3);
    ck_assert_uint_eq(t->dims[1], 2);
    ck_status(ph_gguf_read(other, t, 0, values, sizeof values), PHIAL_OK);
    for (int i = 0; i < 6; i++)
        ck_assert(values[i] == (float)i);
    t = ph_gguf_find_tensor(other, "blk.0.ffn_up.weight");
    ck_assert_uint_eq(t->type, PH_Q8_0);
    ck_assert_uint_eq(t->dims[0], 64);
    ck_assert_uint_eq(t->bytes, 68);
    ph_gguf_free(other);
}
END_TEST

void value_cases(Suite *suite)
{
    TCase *tc = tcase_create("values");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_entry_comes_back_in_order_with_its_bytes);
    tcase_add_test(tc, integers_of_every_width_are_read_where_they_fit);
    tcase_add_test(tc, small_positive_values_of_signed_types_are_read);
    tcase_add_test(tc, floats_bools_and_strings_are_read_by_type);
    tcase_add_test(tc,
                   doubles_beyond_float_are_refused_but_infinity_is_passed_on);
    tcase_add_test(tc, arrays_give_their_elements);
    tcase_add_test(tc, tensors_come_back_with_shape_place_and_data);
    tcase_add_test(tc, every_alignment_and_both_versions_are_read);
    tcase_add_test(tc, a_file_without_entries_or_tensors_is_read);
    tcase_add_test(tc, a_file_of_the_reference_writer_is_read);
    suite_add_tcase(suite, tc);
}
