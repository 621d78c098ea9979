/* SPDX-License-Identifier: MIT
 * system_error.h - what an errno value means, in English whatever the locale
 * of the host, and without strerror()'s shared buffer. */
#ifndef PH_SYSTEM_ERROR_H
#define PH_SYSTEM_ERROR_H

/* A static phrase; "system error" for a value that is not in the table. */
const char *ph_system_error(int error);

#endif /* PH_SYSTEM_ERROR_H */
