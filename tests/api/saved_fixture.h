/* SPDX-License-Identifier: MIT
 * saved_fixture.h - what the tests of saved sessions share. */
#ifndef PH_SAVED_FIXTURE_H
#define PH_SAVED_FIXTURE_H

#include "api_fixture.h"

typedef struct saved_bytes {
    uint8_t *data; /* the caller frees it */
    size_t len;
} saved_bytes;

saved_bytes save_to_bytes(phial_session *session);
void check_same_bytes(const saved_bytes *got, const saved_bytes *want);

/* Whether text or bytes of a character are kept for later, by the offsets of
 * doc/session-file.md. */
bool saved_holds_text(const saved_bytes *bytes);

/* The whole of a file; len is 0 and data NULL if it is not there. */
saved_bytes read_whole(const char *path);

TCase *damage_case(void);

#endif /* PH_SAVED_FIXTURE_H */
