/* SPDX-License-Identifier: MIT
 * functions.h - what functions.c gives to the other kernels only. */
#ifndef PH_FUNCTIONS_H
#define PH_FUNCTIONS_H

/* e^x; 0 below -700, infinity above 700. */
double ph_exp(double x);

#endif /* PH_FUNCTIONS_H */
