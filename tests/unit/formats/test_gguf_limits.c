/* SPDX-License-Identifier: MIT
 * Each limit at its greatest allowed value and one above it; work and memory
 * in proportion at the limits; a vocabulary as large as Phi-4-mini's. */
#include "check_main.h"
#include "formats_cases.h"
#include "os/os.h"

#include <stdio.h>

START_TEST(numbers_of_entries_up_to_the_limit)
{
    gguf_writer *w = gguf_writer_new();
    char key[32];

    for (uint32_t i = 0; i < PH_GGUF_MAX_ENTRIES; i++) {
        snprintf(key, sizeof key, "key.%u", i * 2654435761u);
        gguf_append_raw(w, ph_str_of(key), PH_GGUF_U8, "x", 1);
    }
    ck_status(try_writer(w), PHIAL_OK);
    gguf_append_raw(w, PH_STR("one.more"), PH_GGUF_U8, "x", 1);
    refuses(w, PHIAL_E_UNSUPPORTED,
            "offset 16: the number of metadata entries is 4097, the limit is "
            "4096",
            NULL);
}
END_TEST

START_TEST(numbers_of_tensors_up_to_the_limit)
{
    gguf_writer *w = gguf_writer_new();
    char name[32];

    for (uint32_t i = 0; i < PH_GGUF_MAX_TENSORS; i++) {
        snprintf(name, sizeof name, "t%u", i * 2654435761u);
        gguf_append_tensor(w, ph_str_of(name), PH_F32, (uint64_t[]){8}, 1, NULL,
                           32);
    }
    ck_status(try_writer(w), PHIAL_OK);
    gguf_append_tensor(w, PH_STR("more"), PH_F32, (uint64_t[]){8}, 1, NULL, 32);
    refuses(w, PHIAL_E_UNSUPPORTED,
            "offset 8: the number of tensors is 16385, the limit is 16384",
            NULL);
}
END_TEST

START_TEST(keys_up_to_the_limit)
{
    gguf_writer *w = gguf_writer_new();
    char *key = malloc(65536);

    memset(key, 'k', 65536);
    gguf_append_raw(w, (ph_str){key, 65535}, PH_GGUF_U8, "x", 1);
    ck_status(try_writer(w), PHIAL_OK);
    gguf_append_raw(w, (ph_str){key, 65536}, PH_GGUF_U8, "x", 1);
    refuses(w, PHIAL_E_UNSUPPORTED, "metadata entry 1: the key is 65536 bytes",
            "the limit is 65535", NULL);
    free(key);
}
END_TEST

START_TEST(names_of_tensors_up_to_the_limit)
{
    gguf_writer *w = gguf_writer_new();
    char name[66];

    memset(name, 'n', sizeof name);
    gguf_append_tensor(w, (ph_str){name, 64}, PH_F32, (uint64_t[]){8}, 1, NULL,
                       32);
    ck_status(try_writer(w), PHIAL_OK);
    gguf_append_tensor(w, (ph_str){name, 65}, PH_F32, (uint64_t[]){8}, 1, NULL,
                       32);
    refuses(w, PHIAL_E_UNSUPPORTED, "tensor 1: the name is 65 bytes",
            "the limit is 64", NULL);
}
END_TEST

START_TEST(strings_up_to_the_limit)
{
    const size_t max = 4 << 20;
    gguf_writer *w = gguf_writer_new();
    char *text = calloc(1, max + 1);

    gguf_put_bytes(w, "text", text, max);
    gguf_put_strings(w, "texts", (ph_str[]){{text, max}}, 1);
    ck_status(try_writer(w), PHIAL_OK);
    gguf_put_bytes(w, "text", text, max + 1);
    ck_status(try_writer(w), PHIAL_E_UNSUPPORTED);
    says("metadata key \"text\": the string is 4194305 bytes long, the limit");
    gguf_put_bytes(w, "text", text, 1);
    gguf_put_strings(w, "texts", (ph_str[]){{text, max + 1}}, 1);
    refuses(w, PHIAL_E_UNSUPPORTED,
            "metadata key \"texts\": a string of the "
            "array is 4194305 bytes",
            NULL);
    free(text);
}
END_TEST

START_TEST(arrays_up_to_the_limit)
{
    const size_t max = 4 << 20;
    gguf_writer *w = gguf_writer_new();
    double *zeros = calloc(max + 1, sizeof *zeros);

    gguf_put_array(w, "bytes", PH_GGUF_I8, zeros, max);
    gguf_put_array(w, "doubles", PH_GGUF_F64, zeros, max);
    ck_status(try_writer(w), PHIAL_OK);
    gguf_put_array(w, "bytes", PH_GGUF_I8, zeros, max + 1);
    refuses(w, PHIAL_E_UNSUPPORTED,
            "offset 45: metadata key \"bytes\": the array has 4194305 "
            "elements, the limit "
            "is 4194304",
            NULL);
    free(zeros);
}
END_TEST

START_TEST(metadata_up_to_the_limit)
{
    const size_t piece = 4 << 20;
    gguf_writer *w = gguf_writer_new();
    char *text = calloc(1, piece);
    size_t left;

    for (int i = 0; i < 15; i++) {
        char key[16];

        snprintf(key, sizeof key, "text.%d", i);
        gguf_put_bytes(w, key, text, piece);
    }
    gguf_put_bytes(w, "rest", text, 0);
    left = PH_GGUF_MAX_METADATA - gguf_metadata_size(w);
    gguf_put_bytes(w, "rest", text, left);
    ck_assert_uint_eq(gguf_metadata_size(w), PH_GGUF_MAX_METADATA);
    ck_status(try_writer(w), PHIAL_OK);
    gguf_put_bytes(w, "rest", text, left + 1);
    refuses(w, PHIAL_E_UNSUPPORTED,
            "metadata key \"rest\": with the string "
            "the metadata exceeds the limit of "
            "67108864 bytes",
            NULL);
    free(text);
}
END_TEST

/* Names with one long common beginning and in the worst order for a naive
 * sort: about 1 s of comparing if the work were quadratic. */
START_TEST(hostile_names_do_not_make_opening_slow)
{
    gguf_writer *w = gguf_writer_new();
    char key[4000];
    uint64_t start;

    memset(key, 'k', sizeof key);
    for (uint32_t i = 0; i < PH_GGUF_MAX_ENTRIES; i++) {
        snprintf(key + 3900, 100, "%010u", PH_GGUF_MAX_ENTRIES - i);
        gguf_append_raw(w, (ph_str){key, 3910}, PH_GGUF_U8, "x", 1);
    }
    start = ph_now_ns();
    ck_status(try_writer(w), PHIAL_OK);
    ck_assert_uint_lt(ph_now_ns() - start, 5000000000u);
    gguf_writer_free(w);
}
END_TEST

static ph_str *numbered(const char *format, uint32_t n, char *text)
{
    ph_str *strings = malloc(n * sizeof *strings);

    for (uint32_t i = 0; i < n; i++) {
        strings[i] = (ph_str){text, 0};
        strings[i].len = (size_t)sprintf(text, format, i);
        text += strings[i].len + 1;
    }
    return strings;
}

START_TEST(a_vocabulary_of_200064_tokens_is_read)
{
    enum { TOKENS = 200064, MERGES = 199742 };

    gguf_writer *w = small_model();
    char *text = malloc(TOKENS * 32);
    ph_str *tokens = numbered("tok%u", TOKENS, text);
    int32_t *kinds = calloc(TOKENS, sizeof *kinds);
    ph_str *merges;
    ph_gguf *gguf;
    const ph_gguf_entry *entry;
    uint8_t *data;
    size_t n, at = 0;

    gguf_put_strings(w, "tokenizer.ggml.tokens", tokens, TOKENS);
    merges = numbered("le%u ri", MERGES, text);
    gguf_put_strings(w, "tokenizer.ggml.merges", merges, MERGES);
    gguf_put_array(w, "tokenizer.ggml.token_type", PH_GGUF_I32, kinds, TOKENS);
    ck_status(try_writer(w), PHIAL_OK);
    data = gguf_to_memory(w, &n);
    ck_status(ph_gguf_open_memory(&ph_libc_heap, "m", data, n, &gguf),
              PHIAL_OK);
    ck_status(
        ph_gguf_array(gguf, "tokenizer.ggml.merges", PH_GGUF_STRING, &entry),
        PHIAL_OK);
    ck_assert_uint_eq(entry->count, MERGES);
    for (uint32_t i = 0; i < MERGES; i++)
        ck_assert(ph_str_eq(ph_gguf_next_string(entry, &at), merges[i]));
    ph_gguf_free(gguf);
    free(data);
    free(merges);
    free(kinds);
    free(tokens);
    free(text);
    gguf_writer_free(w);
}
END_TEST

void limit_cases(Suite *suite)
{
    TCase *tc = tcase_create("limits");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, numbers_of_entries_up_to_the_limit);
    tcase_add_test(tc, numbers_of_tensors_up_to_the_limit);
    tcase_add_test(tc, keys_up_to_the_limit);
    tcase_add_test(tc, names_of_tensors_up_to_the_limit);
    tcase_add_test(tc, strings_up_to_the_limit);
    tcase_add_test(tc, arrays_up_to_the_limit);
    tcase_add_test(tc, metadata_up_to_the_limit);
    tcase_add_test(tc, hostile_names_do_not_make_opening_slow);
    tcase_add_test(tc, a_vocabulary_of_200064_tokens_is_read);
    suite_add_tcase(suite, tc);
}
