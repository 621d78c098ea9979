/* SPDX-License-Identifier: MIT
 * XXH64 after Yann Collet's specification, "XXH64 algorithm", version 0.1.1
 * (xxHash, doc/xxhash_spec.md): four lanes of 64-bit multiplications, faster
 * than memory is read. */
#include "base/base.h"

#define PRIME_1 0x9E3779B185EBCA87u
#define PRIME_2 0xC2B2AE3D27D4EB4Fu
#define PRIME_3 0x165667B19E3779F9u
#define PRIME_4 0x85EBCA77C2B2AE63u
#define PRIME_5 0x27D4EB2F165667C5u

enum { STRIPE = 32 };

/* Here and not in bytes.c, so that it becomes one instruction. */
static inline uint64_t load32(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
           (uint64_t)p[3] << 24;
}

static inline uint64_t load64(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
           (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
           (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline uint64_t rotate(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static inline uint64_t mix(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * PRIME_2, 31) * PRIME_1;
}

static inline uint64_t merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ mix(0, lane)) * PRIME_1 + PRIME_4;
}

/* The whole stripes of n bytes. */
static uint64_t hash_stripes(const uint8_t *p, size_t n, uint64_t seed)
{
    uint64_t a = seed + PRIME_1 + PRIME_2, b = seed + PRIME_2;
    uint64_t c = seed, d = seed - PRIME_1;
    uint64_t hash;

    for (; n >= STRIPE; n -= STRIPE, p += STRIPE) {
        a = mix(a, load64(p));
        b = mix(b, load64(p + 8));
        c = mix(c, load64(p + 16));
        d = mix(d, load64(p + 24));
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    return merge(merge(merge(merge(hash, a), b), c), d);
}

static uint64_t hash_rest(const uint8_t *p, size_t n, uint64_t hash)
{
    for (; n >= 8; n -= 8, p += 8)
        hash = rotate(hash ^ mix(0, load64(p)), 27) * PRIME_1 + PRIME_4;
    if (n >= 4) {
        hash = rotate(hash ^ load32(p) * PRIME_1, 23) * PRIME_2 + PRIME_3;
        n -= 4;
        p += 4;
    }
    for (; n > 0; n--, p++)
        hash = rotate(hash ^ *p * PRIME_5, 11) * PRIME_1;
    return hash;
}

uint64_t ph_xxh64(const void *data, size_t len, uint64_t seed)
{
    const uint8_t *p = data;
    uint64_t hash = seed + PRIME_5;

    if (len >= STRIPE)
        hash = hash_stripes(p, len, seed);
    hash = hash_rest(p + (len - len % STRIPE), len % STRIPE, hash + len);
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}
