/* SPDX-License-Identifier: MIT
 * Checksums by OpenSSL's libcrypto, which uses the processor's instructions for
 * them: a model has gigabytes. */
#include "pull_hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct pull_hash {
    EVP_MD_CTX *context;
    size_t n_digits;
    uint64_t size;
};

pull_hash *hash_new(size_t n_digits, uint64_t size)
{
    pull_hash *hash = must_alloc(1, sizeof *hash);

    *hash = (pull_hash){EVP_MD_CTX_new(), n_digits, size};
    if (hash->context && hash_restart(hash))
        return hash;
    hash_free(hash);
    return NULL;
}

void hash_free(pull_hash *hash)
{
    if (hash)
        EVP_MD_CTX_free(hash->context);
    free(hash);
}

bool hash_restart(pull_hash *hash)
{
    const bool blob = hash->n_digits == PULL_SHA1_DIGITS;
    char header[32];
    int len;

    if (!EVP_DigestInit_ex(hash->context, blob ? EVP_sha1() : EVP_sha256(),
                           NULL))
        return false;
    if (!blob)
        return true;
    len = snprintf(header, sizeof header, "blob %llu",
                   (unsigned long long)hash->size);
    return hash_add(hash, header, (size_t)len + 1);
}

bool hash_add(pull_hash *hash, const void *data, size_t n)
{
    return EVP_DigestUpdate(hash->context, data, n);
}

bool hash_end(pull_hash *hash, char out[PULL_SHA256_DIGITS + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (!EVP_DigestFinal_ex(hash->context, digest, &n) ||
        n * 2 != hash->n_digits)
        return false;
    for (unsigned i = 0; i < n; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
    return true;
}
