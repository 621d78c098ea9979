/* SPDX-License-Identifier: MIT
 * units.h - numbers for people. */
#ifndef UNITS_H
#define UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "7.4 MiB"; "812 bytes". */
void units_bytes(char *buf, size_t cap, uint64_t bytes);

/* "3.8 billion", "10.2 million", "84 thousand". */
void units_count(char *buf, size_t cap, uint64_t n);

#endif /* UNITS_H */
