/* SPDX-License-Identifier: MIT
 * Systematic damage to a small good file: every case must give a status and,
 * if that is an error, a sentence that begins with the file's name; nothing
 * leaks, and memory stays in proportion (try_bytes() sees to both). */
#include "check_main.h"
#include "formats_cases.h"

#include <stdio.h>

typedef struct model {
    uint8_t *data;
    size_t n, metadata;
    size_t n_cases, n_opened;
} model;

static model make(void)
{
    gguf_writer *w = small_model();
    model m = {.metadata = gguf_metadata_size(w)};

    m.data = gguf_to_memory(w, &m.n);
    gguf_writer_free(w);
    return m;
}

static void try_one(model *m, size_t n)
{
    phial_status status = try_bytes(m->data, n);

    ck_assert_msg(status == PHIAL_OK || status == PHIAL_E_FORMAT ||
                      status == PHIAL_E_UNSUPPORTED,
                  "%d: %s", status, ph_error_text());
    if (status != PHIAL_OK)
        ck_assert_ptr_eq(strstr(ph_error_text(), "m.gguf"), ph_error_text());
    m->n_cases++;
    m->n_opened += status == PHIAL_OK;
}

static void report(model *m, const char *what)
{
    printf("formats: %zu cases of %s, %zu of them opened\n", m->n_cases, what,
           m->n_opened);
    free(m->data);
}

START_TEST(every_truncation_gives_an_error)
{
    model m = make();

    for (size_t n = 0; n < m.n; n++)
        try_one(&m, n);
    /* Only the padding behind the last tensor may be missing. */
    ck_assert_uint_eq(m.n_opened, (32 - 210 % 32) % 32);
    report(&m, "truncation");
}
END_TEST

START_TEST(every_changed_byte_gives_a_status)
{
    model m = make();

    for (size_t at = 0; at < m.metadata; at++) {
        const uint8_t old = m.data[at];
        const uint8_t values[] = {0, 0xff, (uint8_t)(old ^ 0x80),
                                  (uint8_t)(old + 1), (uint8_t)(old - 1)};

        for (size_t i = 0; i < sizeof values; i++) {
            m.data[at] = values[i];
            try_one(&m, m.n);
        }
        m.data[at] = old;
    }
    report(&m, "a changed byte");
}
END_TEST

/* Every place where a 4- or 8-byte field could begin, so every field. */
START_TEST(every_boundary_value_in_every_field_gives_a_status)
{
    const uint64_t values[] = {0,
                               1,
                               2,
                               13,
                               UINT64_MAX,
                               0x7f,
                               0x80,
                               0xff,
                               0x7fff,
                               0xffff,
                               0x10000,
                               0x7fffffff,
                               0x80000000u,
                               0xffffffffu,
                               1ull << 32,
                               1ull << 61,
                               1ull << 62,
                               INT64_MAX,
                               1ull << 63,
                               UINT64_MAX - 1,
                               UINT64_MAX - 31};
    model m = make();

    for (size_t size = 4; size <= 8; size += 4) {
        for (size_t at = 0; at + size <= m.metadata; at++) {
            uint8_t old[8];

            memcpy(old, m.data + at, size);
            for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
                memcpy(m.data + at, &values[i], size);
                try_one(&m, m.n);
            }
            memcpy(m.data + at, old, size);
        }
    }
    report(&m, "a boundary value");
}
END_TEST

/* Two independent changes at random places; xorshift (Marsaglia 2003). */
START_TEST(pairs_of_random_changes_give_a_status)
{
    model m = make();
    uint64_t x = 88172645463325252u;

    for (int round = 0; round < 20000; round++) {
        size_t at[2];
        uint8_t old[2];

        for (int i = 0; i < 2; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            at[i] = (x >> 8) % m.metadata;
            old[i] = m.data[at[i]];
            m.data[at[i]] = (uint8_t)x;
        }
        try_one(&m, m.n);
        m.data[at[1]] = old[1];
        m.data[at[0]] = old[0];
    }
    report(&m, "two changed bytes");
}
END_TEST

typedef struct bytes_of {
    const uint8_t *data;
    size_t n;
} bytes_of;

static phial_status open_and_free(void *user, const ph_heap *heap)
{
    const bytes_of *b = user;
    ph_gguf *gguf = NULL;
    phial_status status;

    status = ph_gguf_open_memory(heap, "m.gguf", b->data, b->n, &gguf);
    ph_gguf_free(gguf);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    model m = make();
    bytes_of b = {m.data, m.n};
    size_t n_points = 0;

    ck_assert_uint_eq(failing_heap_loop(open_and_free, &b, &n_points), 0);
    ck_assert_uint_ge(n_points, 20);
    printf("formats: %zu allocation failures\n", n_points);
    free(m.data);
}
END_TEST

/* 300 KiB of metadata, so that the buffer grows several times. */
START_TEST(every_allocation_may_fail_while_metadata_grow)
{
    gguf_writer *w = small_model();
    bytes_of b;
    uint8_t *data;
    char *text = calloc(1, 300000);

    gguf_put_bytes(w, "first", text, 70000);
    gguf_put_bytes(w, "second", text, 60000);
    gguf_put_bytes(w, "third", text, 170000);
    data = gguf_to_memory(w, &b.n);
    b.data = data;
    ck_assert_uint_eq(failing_heap_loop(open_and_free, &b, NULL), 0);
    free(data);
    free(text);
    gguf_writer_free(w);
}
END_TEST

void mutation_cases(Suite *suite)
{
    TCase *tc = tcase_create("mutation");

    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, every_truncation_gives_an_error);
    tcase_add_test(tc, every_changed_byte_gives_a_status);
    tcase_add_test(tc, every_boundary_value_in_every_field_gives_a_status);
    tcase_add_test(tc, pairs_of_random_changes_give_a_status);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, every_allocation_may_fail_while_metadata_grow);
    suite_add_tcase(suite, tc);
}
