/* SPDX-License-Identifier: MIT
 * Argument checks that many public functions share. */
#include "api/handles.h"

phial_status ph_check_pointer(const char *name, const void *ptr)
{
    if (!ptr)
        return ph_fail(PHIAL_E_ARGUMENT, "%s is NULL", name);
    return PHIAL_OK;
}

phial_status ph_check_array(const char *name, const void *ptr, size_t n)
{
    if (n && !ptr)
        return ph_fail(PHIAL_E_ARGUMENT, "%s is NULL and has %zu elements",
                       name, n);
    return PHIAL_OK;
}

phial_status ph_check_buffer(const void *buf, size_t cap, const size_t *n)
{
    PH_TRY(ph_check_array("buf", buf, cap));
    return ph_check_pointer("n", n);
}

phial_status ph_check_flags(const char *name, uint32_t flags, uint32_t known)
{
    if (flags & ~known)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "%s is 0x%x, of which 0x%x is not defined", name, flags,
                       flags & ~known);
    return PHIAL_OK;
}

phial_status ph_check_enum(const char *name, int32_t value, int32_t lowest,
                           int32_t highest, const char *kind)
{
    if (value < lowest || value > highest)
        return ph_fail(PHIAL_E_ARGUMENT, "%s is %d, not one of %s", name,
                       (int)value, kind);
    return PHIAL_OK;
}

phial_status ph_check_text(const char *name, const char *text, size_t len,
                           ph_str *out)
{
    if (!text && len)
        return ph_fail(PHIAL_E_ARGUMENT, "%s is NULL", name);
    if (len == PHIAL_NUL_TERMINATED)
        len = strlen(text);
    *out = (ph_str){text ? text : "", len};
    return PHIAL_OK;
}
