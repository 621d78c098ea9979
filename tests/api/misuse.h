/* SPDX-License-Identifier: MIT
 * misuse.h - what the files of the misuse program share. */
#ifndef PH_MISUSE_H
#define PH_MISUSE_H

#define BAD_POINTER ((void *)(uintptr_t)16)

/* The call is refused, and the sentence holds word. */
#define refused(expr, word)                                                    \
    do {                                                                       \
        ck_status(expr, PHIAL_E_ARGUMENT);                                     \
        ck_assert_msg(strstr(phial_last_error(), word), "%s: \"%s\" lacks %s", \
                      #expr, phial_last_error(), word);                        \
    } while (0)

extern phial_model *model; /* phi-4-mini */
extern phial_session *session;

TCase *struct_case(void);

#endif /* PH_MISUSE_H */
