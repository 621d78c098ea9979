/* SPDX-License-Identifier: MIT
 * pull_name.h - what is to be pulled, as a user names it, and which names of
 * files are taken from a hub. */
#ifndef PULL_NAME_H
#define PULL_NAME_H

#include "cli.h"

typedef struct pull_name {
    char *repo;     /* "org/name" */
    char *file;     /* path in the repository; NULL: a whole checkpoint */
    char *revision; /* a branch, a tag or a commit */
} pull_name;

/* Reads ORG/NAME[/FILE] with an optional "hf:" before it, or the address of
 * such a thing at https://huggingface.co/ or at the endpoint. revision may be
 * NULL. NULL if all is well, or what is wrong with text, which is a usage
 * error. */
const char *pull_name_parse(const char *text, const char *endpoint,
                            const char *revision, pull_name *out);
void pull_name_free(pull_name *name);

/* Whether a path stays in its folder and prints as it is: relative, without
 * empty parts, "." and "..", without control characters, not too long. */
bool pull_path_safe(const char *path);

/* Whether text has exactly n hexadecimal digits, lower case, and no more. */
bool pull_is_hex(const char *text, size_t n);

/* How many parts a split GGUF file has of which path is one
 * ("-00001-of-00003.gguf"), or 0. */
unsigned pull_split_count(const char *path);

/* The path of part i of n, from 1 on, in place. path is that of another. */
void pull_split_part(char *path, unsigned i);

/* text with what may not stand in an address escaped, "/" only if slashes is
 * true. To be freed. */
char *pull_escape(const char *text, bool slashes);

/* printf into memory, to be freed; leaves the program if there is none. */
char *must_format(const char *format, ...) CLI_PRINTF(1, 2);

#endif /* PULL_NAME_H */
