/* SPDX-License-Identifier: MIT
 * output.h - standard output: text from a model, JSON, and the failure to
 * write either. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "cli.h"

#include <jansson.h>

/* Text from outside: on a terminal its control characters, which could move
 * the cursor or redefine keys, are replaced; elsewhere it passes as it is. */
void output_text(const char *text, size_t len);

/* Flushes; false once standard output cannot be written any more. */
bool output_flush(void);

/* One object on one line. Takes over the reference to json; NULL (a failed
 * allocation inside the expression that built it) is reported. */
int output_json(json_t *json);

/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD. */
json_t *json_text(const char *text, size_t len);

/* How many bytes from the beginning on are UTF-8. */
size_t utf8_prefix(const char *text, size_t len);

/* json; leaves the program if that is NULL, for want of memory. */
json_t *must_json(json_t *json);

/* Appends text to the string that object has under key. */
void json_append_text(json_t *object, const char *key, const char *text,
                      size_t len);

/* The last thing that a program does: reports what could not be written and
 * returns the exit code, code if all is well. */
int output_finish(int code);

#endif /* OUTPUT_H */
