/* SPDX-License-Identifier: MIT
 * slow_bpe.h - merging by its definition, as an oracle for the fast one: scan
 * all pairs for the lowest rank, leftmost first; join; repeat. */
#ifndef PH_TEST_SLOW_BPE_H
#define PH_TEST_SLOW_BPE_H

#include "tokenizer/tokenizer.h"

/* Joins n ids in place and returns how many are left. */
size_t slow_merge(const ph_tokenizer *t, uint32_t *ids, size_t n);

/* Ends the program unless the fast merging of len bytes, taken as one piece,
 * gives the same. */
void slow_merge_compare(const ph_tokenizer *t, const char *data, size_t len);

#endif /* PH_TEST_SLOW_BPE_H */
