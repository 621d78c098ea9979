/* SPDX-License-Identifier: MIT
 * Versioned structs: a program and a library that were built with different
 * headers understand each other. The rule is that of Linux's clone3(2). */
#include "api/handles.h"

enum { MAX_STRUCT = 4096 };

static phial_status given_size(const char *name, const void *ptr, size_t v1,
                               uint32_t *size)
{
    memcpy(size, ptr, sizeof *size);
    if (*size < v1 || *size > MAX_STRUCT)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "%s->struct_size is %u, at least %zu is expected: set "
                       "it to sizeof",
                       name, *size, v1);
    return PHIAL_OK;
}

phial_status ph_struct_in(const char *name, void *dst, size_t size,
                          const void *src, size_t v1)
{
    const unsigned char *bytes = src;
    uint32_t given;

    memset(dst, 0, size);
    if (!src)
        return PHIAL_OK;
    PH_TRY(given_size(name, src, v1, &given));
    for (size_t i = size; i < given; i++)
        if (bytes[i])
            return ph_fail(PHIAL_E_UNSUPPORTED,
                           "%s has a field at offset %zu that this version "
                           "does not know",
                           name, i);
    memcpy(dst, src, given < size ? given : size);
    return PHIAL_OK;
}

phial_status ph_struct_out_check(const char *name, const void *dst, size_t v1)
{
    uint32_t given;

    PH_TRY(ph_check_pointer(name, dst));
    return given_size(name, dst, v1, &given);
}

void ph_struct_out(void *dst, const void *src, size_t size)
{
    uint32_t given;

    memcpy(&given, dst, sizeof given);
    memset(dst, 0, given);
    memcpy(dst, src, given < size ? given : size);
    memcpy(dst, &given, sizeof given);
}
