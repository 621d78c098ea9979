/* SPDX-License-Identifier: MIT
 * pull_hash.h - the checksums by which a hub names contents: SHA-256 for large
 * files, git's SHA-1 of a blob for small ones. */
#ifndef PULL_HASH_H
#define PULL_HASH_H

#include "cli.h"

typedef struct pull_hash pull_hash;

enum { PULL_SHA256_DIGITS = 64, PULL_SHA1_DIGITS = 40 };

/* The length of the checksum that is expected says which it is; a git blob
 * begins with its size. NULL if libcrypto does not have it. */
pull_hash *hash_new(size_t n_digits, uint64_t size);
void hash_free(pull_hash *hash);

/* As it was when new. */
bool hash_restart(pull_hash *hash);
bool hash_add(pull_hash *hash, const void *data, size_t n);

/* In hexadecimal digits, with a NUL. Ends the computation. */
bool hash_end(pull_hash *hash, char out[PULL_SHA256_DIGITS + 1]);

#endif /* PULL_HASH_H */
