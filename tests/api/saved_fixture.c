/* SPDX-License-Identifier: MIT
 * What the tests of saved sessions share. */
#include "saved_fixture.h"

#include <stdio.h>

saved_bytes save_to_bytes(phial_session *session)
{
    saved_bytes bytes = {NULL, 0};
    size_t n;

    ck_status(phial_session_save_bytes(session, NULL, 0, &bytes.len),
              PHIAL_E_BUFFER);
    bytes.data = malloc(bytes.len);
    ck_status(phial_session_save_bytes(session, bytes.data, bytes.len - 1, &n),
              PHIAL_E_BUFFER);
    ck_assert_uint_eq(n, bytes.len);
    ck_status(phial_session_save_bytes(session, bytes.data, bytes.len, &n),
              PHIAL_OK);
    ck_assert_uint_eq(n, bytes.len);
    return bytes;
}

void check_same_bytes(const saved_bytes *got, const saved_bytes *want)
{
    size_t same = 0;

    ck_assert_uint_eq(got->len, want->len);
    while (same < want->len && got->data[same] == want->data[same])
        same++;
    ck_assert_uint_eq(same, want->len);
}

bool saved_holds_text(const saved_bytes *bytes)
{
    static const size_t offsets[] = {80, 96};

    for (size_t i = 0; i < 2; i++)
        if (bytes->data[offsets[i]])
            return true;
    return false;
}

saved_bytes read_whole(const char *path)
{
    saved_bytes bytes = {NULL, 0};
    FILE *f = fopen(path, "rb");

    if (!f)
        return bytes;
    fseek(f, 0, SEEK_END);
    bytes.len = (size_t)ftell(f);
    rewind(f);
    bytes.data = malloc(bytes.len + 1);
    ck_assert_uint_eq(fread(bytes.data, 1, bytes.len, f), bytes.len);
    fclose(f);
    return bytes;
}
