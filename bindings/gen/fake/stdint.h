/* SPDX-License-Identifier: MIT
 * Just enough of the system header for the reader of phial.h. */
typedef signed int int32_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef unsigned char uint8_t;
