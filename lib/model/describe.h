/* SPDX-License-Identifier: MIT
 * describe.h - inside model: metadata as JSON values. All return NULL when an
 * allocation fails. */
#ifndef PH_MODEL_DESCRIBE_H
#define PH_MODEL_DESCRIBE_H

#include "formats/formats.h"

#include <jansson.h>

/* A string; bytes of it that are not UTF-8 become U+FFFD. */
json_t *ph_json_text(const ph_heap *heap, ph_str text);

/* The metadata entries as an object: scalars and strings as they are, arrays
 * as their element type and count. */
json_t *ph_json_metadata(const ph_heap *heap, const ph_gguf *gguf);

/* The shortest decimal number that is this float, as a double. */
double ph_json_round(float f);

#endif /* PH_MODEL_DESCRIBE_H */
