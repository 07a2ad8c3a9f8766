/* The kernels for AVX2; chosen at run time. */
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#include <math.h>
#include <string.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx2,fma")
#endif
#define TARGET_AVX2
#define RUN bytesim_run_avx2
#include "ops.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
