/* SPDX-License-Identifier: MIT
 * Just enough of the system header for the reader of phial.h. */
typedef unsigned long size_t;
