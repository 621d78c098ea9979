/* SPDX-License-Identifier: MIT
 * XXH64 against the published values of its reference implementation
 * (xxHash, tests/sanity_test_vectors.h), and little-endian writes. */
#include "base/base.h"
#include "base_cases.h"
#include "check_main.h"

static const uint64_t PRIME_32 = 2654435761u;

/* The reference's pseudo-random test bytes. */
static void fill(uint8_t *bytes, size_t n)
{
    uint64_t x = PRIME_32;

    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(x >> 56);
        x *= 11400714785074694797u;
    }
}

START_TEST(xxh64_gives_the_published_values)
{
    static const struct {
        size_t n;
        uint64_t plain, seeded;
    } known[] = {
        {0, 0xef46db3751d8e999, 0xac75fda2929b17ef},
        {1, 0xe934a84adb052768, 0x5014607643a9b4c3},
        {4, 0x9136a0dca57457ee, 0xcaab286bd8e9fdb5},
        {14, 0x8282dcc4994e35c8, 0xc3bd6bf63deb6df0},
        {31, 0x299b39a290e6d783, 0xda673d5feb5c1d79},
        {32, 0x18b216492bb44b70, 0xb3f33bdf93ade409},
        {33, 0x55c8dc3e578f5b59, 0xe92c292f64bc3071},
        {63, 0xa9efbe0fa0f3f4e7, 0x6c911fadb05b6fc2},
        {222, 0xb641ae8cb691c174, 0x20cb8ab7ae10c14a},
    };
    uint8_t bytes[223];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        fill(bytes, 222);
        ck_assert_uint_eq(ph_xxh64(bytes, known[i].n, 0), known[i].plain);
        ck_assert_uint_eq(ph_xxh64(bytes, known[i].n, PRIME_32),
                          known[i].seeded);
        memmove(bytes + 1, bytes, 222); /* at an odd address */
        ck_assert_uint_eq(ph_xxh64(bytes + 1, known[i].n, 0), known[i].plain);
    }
}
END_TEST

START_TEST(what_is_written_is_read)
{
    static const uint8_t want[] = {0xef, 0xcd, 0xab, 0x89,
                                   0x67, 0x45, 0x23, 0x01};
    uint8_t bytes[8];

    ph_put_le64(bytes, 0x0123456789abcdef);
    ck_assert_mem_eq(bytes, want, 8);
    ck_assert_uint_eq(ph_le64(bytes), 0x0123456789abcdef);
    ph_put_le32(bytes, 0xfedcba98);
    ck_assert_uint_eq(ph_le32(bytes), 0xfedcba98);
    ck_assert_uint_eq(bytes[4], 0x67);
}
END_TEST

void hash_cases(Suite *suite)
{
    TCase *tc = tcase_create("hash");

    tcase_add_test(tc, xxh64_gives_the_published_values);
    tcase_add_test(tc, what_is_written_is_read);
    suite_add_tcase(suite, tc);
}
