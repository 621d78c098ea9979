/* SPDX-License-Identifier: MIT
 * input.h - text and JSON from files and standard input. */
#ifndef INPUT_H
#define INPUT_H

#include "settings.h"

#include <jansson.h>

typedef struct text {
    char *data; /* NUL-terminated, may hold NULs; owned */
    size_t len;
} text;

/* Reads a whole file, "-" for standard input. Returns an exit code. */
int input_read(const char *path, text *out);

/* The second operand, or standard input if that is "-". If it is not given,
 * standard input unless that is a terminal: then a usage error that asks for
 * `wanted`. */
int input_operand(const settings *s, const char *wanted, text *out);

/* A JSON document from a file; says where it is malformed. */
int input_json(const char *path, json_t **out);

#endif /* INPUT_H */
