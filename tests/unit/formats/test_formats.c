/* SPDX-License-Identifier: MIT
 * formats: the suite, and what its parts share. */
#include "formats_cases.h"
#include "check_main.h"

#include <stdarg.h>
#include <stdio.h>

static void put_arrays(gguf_writer *w)
{
    static const uint8_t bytes[8] = {1, 0, 1, 1, 0, 0, 1, 0};
    static const double numbers[4] = {0.5, -1, 1e300, 0};

    gguf_put_array(w, "a.u8", PH_GGUF_U8, bytes, 8);
    gguf_put_array(w, "a.i8", PH_GGUF_I8, bytes, 3);
    gguf_put_array(w, "a.u16", PH_GGUF_U16, bytes, 4);
    gguf_put_array(w, "a.i16", PH_GGUF_I16, bytes, 1);
    gguf_put_array(w, "a.u32", PH_GGUF_U32, bytes, 2);
    gguf_put_array(w, "a.i32", PH_GGUF_I32, (int32_t[]){-1, 0, 7}, 3);
    gguf_put_array(w, "a.f32", PH_GGUF_F32, (float[]){1.5f, -2}, 2);
    gguf_put_array(w, "a.bool", PH_GGUF_BOOL, bytes, 8);
    gguf_put_array(w, "a.u64", PH_GGUF_U64, numbers, 2);
    gguf_put_array(w, "a.i64", PH_GGUF_I64, numbers, 1);
    gguf_put_array(w, "a.f64", PH_GGUF_F64, numbers, 4);
    gguf_put_array(w, "a.empty", PH_GGUF_F32, NULL, 0);
    gguf_put_strings(w, "a.str",
                     (ph_str[]){PH_STR("one"), PH_STR(""), PH_STR("a\0b")}, 3);
}

gguf_writer *small_model(void)
{
    gguf_writer *w = gguf_writer_new();
    uint8_t data[512];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 1);
    gguf_put_str(w, "general.architecture", "phi3");
    gguf_put_u8(w, "v.u8", 200);
    gguf_put_i8(w, "v.i8", -100);
    gguf_put_u16(w, "v.u16", 50000);
    gguf_put_i16(w, "v.i16", -30000);
    gguf_put_u32(w, "v.u32", 4000000000u);
    gguf_put_i32(w, "v.i32", -2000000000);
    gguf_put_u64(w, "v.u64", 10000000000000000000u);
    gguf_put_i64(w, "v.i64", -9000000000000000000);
    gguf_put_f32(w, "v.f32", 0.1f);
    gguf_put_f64(w, "v.f64", 0.1);
    gguf_put_bool(w, "v.true", true);
    gguf_put_bool(w, "v.false", false);
    put_arrays(w);
    gguf_put_tensor(w, "t.f32", PH_F32, (uint64_t[]){5, 3}, 2, data);
    gguf_put_tensor(w, "t.q4_0", PH_Q4_0, (uint64_t[]){64, 2}, 2, data);
    gguf_put_tensor(w, "t.f16", PH_F16, (uint64_t[]){3, 2, 2, 2}, 4, data);
    gguf_put_tensor(w, "t.mxfp4", 39, (uint64_t[]){64}, 1, NULL);
    gguf_put_tensor(w, "t.q6_k", PH_Q6_K, (uint64_t[]){256}, 1, data);
    return w;
}

void put_number(uint8_t *p, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t sum; /* so that the walk is not optimised away */

static void touch(ph_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sum += (uint8_t)bytes.data[i];
}

static void walk_entry(const ph_gguf *gguf, const ph_gguf_entry *entry)
{
    static const uint32_t no_u32 = 0;
    char key[PH_GGUF_MAX_KEY + 1u];
    uint32_t u32;
    float f32;
    bool truth;
    ph_str str;
    size_t at = 0;

    touch(entry->key);
    touch(entry->data);
    if (entry->type == PH_GGUF_ARRAY && entry->elem == PH_GGUF_STRING) {
        for (uint64_t i = 0; i < entry->count; i++)
            touch(ph_gguf_next_string(entry, &at));
        ck_assert_uint_eq(at, entry->data.len);
    }
    memcpy(key, entry->key.data, entry->key.len);
    key[entry->key.len] = 0;
    if (strlen(key) != entry->key.len)
        return;
    ck_assert_ptr_eq(ph_gguf_find(gguf, key), entry);
    ph_gguf_u32(gguf, key, &no_u32, &u32);
    ph_gguf_f32(gguf, key, NULL, &f32);
    ph_gguf_bool(gguf, key, NULL, &truth);
    ph_gguf_str(gguf, key, NULL, &str);
}

static void walk_tensor(const ph_gguf *gguf, const ph_gguf_tensor *tensor)
{
    uint8_t *data = malloc(tensor->bytes + 1);

    touch(tensor->name);
    ck_status(ph_gguf_read(gguf, tensor, 0, data, tensor->bytes), PHIAL_OK);
    touch((ph_str){(char *)data, tensor->bytes});
    ck_status(ph_gguf_read(gguf, tensor, tensor->bytes, data, 0), PHIAL_OK);
    ck_status(ph_gguf_read(gguf, tensor, 0, data, tensor->bytes + 1),
              PHIAL_E_INTERNAL);
    free(data);
}

void walk(const ph_gguf *gguf)
{
    for (size_t i = 0; i < ph_gguf_n_entries(gguf); i++)
        walk_entry(gguf, ph_gguf_entry_at(gguf, i));
    for (size_t i = 0; i < ph_gguf_n_tensors(gguf); i++)
        walk_tensor(gguf, ph_gguf_tensor_at(gguf, i));
    ck_assert_ptr_null(ph_gguf_entry_at(gguf, ph_gguf_n_entries(gguf)));
    ck_assert_ptr_null(ph_gguf_tensor_at(gguf, ph_gguf_n_tensors(gguf)));
    ck_assert_ptr_null(ph_gguf_find(gguf, "no such key"));
    ck_assert_ptr_null(ph_gguf_find_tensor(gguf, "no such tensor"));
}

phial_status try_bytes(const void *data, size_t n)
{
    failing_heap heap;
    ph_gguf *gguf = NULL;
    uint8_t *copy = malloc(n);
    phial_status status;

    if (n)
        memcpy(copy, data, n);
    failing_heap_init(&heap, 0, FAIL_NEVER);
    status = ph_gguf_open_memory(&heap.heap, "m.gguf", copy, n, &gguf);
    if (status == PHIAL_OK)
        walk(gguf);
    else
        ck_assert_ptr_null(gguf);
    ph_gguf_free(gguf);
    ck_assert_uint_eq(failing_heap_check(&heap), 0);
    ck_assert_uint_le(heap.peak_bytes, 16 * n + 65536);
    free(copy);
    return status;
}

phial_status try_writer(const gguf_writer *w)
{
    size_t n;
    uint8_t *data = gguf_to_memory(w, &n);
    phial_status status = try_bytes(data, n);

    free(data);
    return status;
}

void says(const char *phrase)
{
    ck_assert_msg(strstr(ph_error_text(), phrase), "\"%s\" lacks \"%s\"",
                  ph_error_text(), phrase);
}

void refuses(gguf_writer *w, phial_status status, ...)
{
    const char *phrase;
    va_list phrases;

    ck_status(try_writer(w), status);
    ck_assert_ptr_eq(strstr(ph_error_text(), "m.gguf"), ph_error_text());
    va_start(phrases, status);
    while ((phrase = va_arg(phrases, const char *)))
        says(phrase);
    va_end(phrases);
    gguf_writer_free(w);
}

static Suite *formats_suite(void)
{
    Suite *suite = suite_create("formats");

    value_cases(suite);
    refusal_cases(suite);
    tensor_cases(suite);
    limit_cases(suite);
    mutation_cases(suite);
    file_cases(suite);
    split_cases(suite);
    return suite;
}

PH_CHECK_MAIN(formats_suite())
