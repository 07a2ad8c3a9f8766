/* A vector of floats on each processor: VW lanes, and the few operations that the kernels need. `v_bytes` reads int8,
   `v_halves` bfloat16.

   A target file defines one of TARGET_AVX512, TARGET_AVX2 or none before it includes this; without one the vector is
   NEON on ARM, and a single float elsewhere. */
#ifndef BYTESIM_SIMD_H
#define BYTESIM_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#else
#define INLINE static __forceinline
#define UNROLL
#endif

#if defined(TARGET_AVX512)
#include <immintrin.h>
typedef __m512 vf;
#define VW 16
#define ROWS 8 /* rows of a block of a matrix product: its sums fit the registers */
INLINE vf v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void v_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
INLINE vf v_all(float x) { return _mm512_set1_ps(x); }
INLINE vf v_add(vf x, vf y) { return _mm512_add_ps(x, y); }
INLINE vf v_sub(vf x, vf y) { return _mm512_sub_ps(x, y); }
INLINE vf v_mul(vf x, vf y) { return _mm512_mul_ps(x, y); }
INLINE vf v_div(vf x, vf y) { return _mm512_div_ps(x, y); }
INLINE vf v_max(vf x, vf y) { return _mm512_max_ps(x, y); }
INLINE vf v_min(vf x, vf y) { return _mm512_min_ps(x, y); }
INLINE vf v_fma(vf x, vf y, vf z) { return _mm512_fmadd_ps(x, y, z); }
INLINE float v_sum(vf x) { return _mm512_reduce_add_ps(x); }
INLINE float v_greatest(vf x) { return _mm512_reduce_max_ps(x); }
INLINE vf v_round(vf x) { return _mm512_roundscale_ps(x, 8); }
INLINE vf v_two_to(vf x) { return _mm512_scalef_ps(_mm512_set1_ps(1.0f), x); }
INLINE vf v_bytes(const int8_t *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p))); }
INLINE vf v_halves(const uint16_t *p) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}

#elif defined(TARGET_AVX2)
#include <immintrin.h>
typedef __m256 vf;
#define VW 8
#define ROWS 3
INLINE vf v_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void v_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
INLINE vf v_all(float x) { return _mm256_set1_ps(x); }
INLINE vf v_add(vf x, vf y) { return _mm256_add_ps(x, y); }
INLINE vf v_sub(vf x, vf y) { return _mm256_sub_ps(x, y); }
INLINE vf v_mul(vf x, vf y) { return _mm256_mul_ps(x, y); }
INLINE vf v_div(vf x, vf y) { return _mm256_div_ps(x, y); }
INLINE vf v_max(vf x, vf y) { return _mm256_max_ps(x, y); }
INLINE vf v_min(vf x, vf y) { return _mm256_min_ps(x, y); }
INLINE vf v_fma(vf x, vf y, vf z) { return _mm256_fmadd_ps(x, y, z); }
INLINE float v_sum(vf x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
INLINE float v_greatest(vf x) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
INLINE vf v_round(vf x) { return _mm256_round_ps(x, 8); }
INLINE vf v_two_to(vf x) {
  __m256i power = _mm256_add_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(power, 23));
}
INLINE vf v_bytes(const int8_t *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p))); }
INLINE vf v_halves(const uint16_t *p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}

#elif (defined(__ARM_NEON) && defined(__aarch64__)) || defined(_M_ARM64)
#include <arm_neon.h>
typedef float32x4_t vf;
#define VW 4
#define ROWS 3
INLINE vf v_load(const float *p) { return vld1q_f32(p); }
INLINE void v_store(float *p, vf x) { vst1q_f32(p, x); }
INLINE vf v_all(float x) { return vdupq_n_f32(x); }
INLINE vf v_add(vf x, vf y) { return vaddq_f32(x, y); }
INLINE vf v_sub(vf x, vf y) { return vsubq_f32(x, y); }
INLINE vf v_mul(vf x, vf y) { return vmulq_f32(x, y); }
INLINE vf v_div(vf x, vf y) { return vdivq_f32(x, y); }
INLINE vf v_max(vf x, vf y) { return vmaxq_f32(x, y); }
INLINE vf v_min(vf x, vf y) { return vminq_f32(x, y); }
INLINE vf v_fma(vf x, vf y, vf z) { return vfmaq_f32(z, x, y); }
INLINE float v_sum(vf x) { return vaddvq_f32(x); }
INLINE float v_greatest(vf x) { return vmaxvq_f32(x); }
INLINE vf v_round(vf x) { return vrndnq_f32(x); }
INLINE vf v_two_to(vf x) {
  return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(x), vdupq_n_s32(127)), 23));
}
INLINE vf v_bytes(const int8_t *p) {
  int32_t four;
  memcpy(&four, p, 4);
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8((uint32_t)four)))));
}
INLINE vf v_halves(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }

#else
typedef float vf;
#define VW 1
#define ROWS 1
INLINE vf v_load(const float *p) { return *p; }
INLINE void v_store(float *p, vf x) { *p = x; }
INLINE vf v_all(float x) { return x; }
INLINE vf v_add(vf x, vf y) { return x + y; }
INLINE vf v_sub(vf x, vf y) { return x - y; }
INLINE vf v_mul(vf x, vf y) { return x * y; }
INLINE vf v_div(vf x, vf y) { return x / y; }
INLINE vf v_max(vf x, vf y) { return x > y ? x : y; }
INLINE vf v_min(vf x, vf y) { return x < y ? x : y; }
INLINE vf v_fma(vf x, vf y, vf z) { return x * y + z; }
INLINE float v_sum(vf x) { return x; }
INLINE float v_greatest(vf x) { return x; }
INLINE vf v_round(vf x) { return rintf(x); }
INLINE vf v_two_to(vf x) { return ldexpf(1.0f, (int)x); }
INLINE vf v_bytes(const int8_t *p) { return (float)*p; }
INLINE vf v_halves(const uint16_t *p) {
  const uint32_t bits = (uint32_t)*p << 16;
  float x;
  memcpy(&x, &bits, 4);
  return x;
}
#endif

/* e ** x, to about 1e-7 of its size: x = n log 2 + r, and a polynomial of r. Source: Cephes, expf. */
INLINE vf v_exp(vf x) {
  x = v_max(v_min(x, v_all(88.0f)), v_all(-87.0f));
  vf n = v_round(v_mul(x, v_all(1.44269504f)));
  vf r = v_fma(n, v_all(-0.693359375f), x);
  r = v_fma(n, v_all(2.12194440e-4f), r);
  vf y = v_all(1.9875691500e-4f);
  y = v_fma(y, r, v_all(1.3981999507e-3f));
  y = v_fma(y, r, v_all(8.3334519073e-3f));
  y = v_fma(y, r, v_all(4.1665795894e-2f));
  y = v_fma(y, r, v_all(1.6666665459e-1f));
  y = v_fma(y, r, v_all(5.0000001201e-1f));
  y = v_add(v_fma(y, v_mul(r, r), r), v_all(1.0f));
  return v_mul(y, v_two_to(n));
}

#endif
