/* The entry points of the library, which is called through ctypes: it needs no version of Python's interface. */
#include <Python.h>

#include "program.h"

#if defined(_MSC_VER)
#include <intrin.h>
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

enum { VERSION = 3 }; /* of the functions of mixer.c and bags.c, and of what they compute */

enum Target { PLAIN, AVX2, AVX512 };

/* The fastest kernels that this processor and its operating system can run. */
EXPORT int32_t bytesim_best_target(void) {
#if defined(_MSC_VER) && defined(_M_X64)
  int regs[4];
  __cpuid(regs, 1);
  if (!(regs[2] & (1 << 27)) || !(regs[2] & (1 << 12))) return PLAIN;
  const unsigned long long saved = _xgetbv(0);
  __cpuidex(regs, 7, 0);
  const int most = (int)((1u << 16) | (1u << 17) | (1u << 30) | (1u << 31));
  if ((saved & 0xE6) == 0xE6 && (regs[1] & most) == most) return AVX512;
  return (saved & 6) == 6 && (regs[1] & (1 << 5)) ? AVX2 : PLAIN;
#elif defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return AVX512;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? AVX2 : PLAIN;
#else
  return PLAIN;
#endif
}

/* Changes with the layout of Op and Run, the list of codes and the version, so that a stale library is not used. */
EXPORT int32_t bytesim_layout(void) {
  return (int32_t)(VERSION * 100000000 + sizeof(Op) * 100000 + sizeof(Run) * 100 + CODES);
}

int32_t bytesim_use_threads(int32_t count);
EXPORT int32_t bytesim_threads(int32_t count) { return bytesim_use_threads(count); }

void bytesim_ngram_bag(const int32_t *tokens, int32_t count, const uint8_t *wanted, int32_t longest,
                       const uint8_t *wanted_words, int32_t most_words, uint64_t buckets, const float *table,
                       int32_t width, float *out);
EXPORT void bytesim_ngrams(const int32_t *tokens, int32_t count, const uint8_t *wanted, int32_t longest,
                           const uint8_t *wanted_words, int32_t most_words, uint64_t buckets, const float *table,
                           int32_t width, float *out) {
  bytesim_ngram_bag(tokens, count, wanted, longest, wanted_words, most_words, buckets, table, width, out);
}

void bytesim_edge_bag(const int32_t *edges, int32_t count, int32_t longest, uint64_t buckets, const float *table,
                      int32_t width, float *out);
EXPORT void bytesim_edges(const int32_t *edges, int32_t count, int32_t longest, uint64_t buckets, const float *table,
                          int32_t width, float *out) {
  bytesim_edge_bag(edges, count, longest, buckets, table, width, out);
}

/* Run a program with the kernels of a target. */
EXPORT void bytesim_run(int32_t target, const Op *ops, int32_t count, const Run *run) {
#if defined(__x86_64__) || defined(_M_X64)
  if (target == AVX512) {
    bytesim_run_avx512(ops, count, run);
    return;
  }
  if (target == AVX2) {
    bytesim_run_avx2(ops, count, run);
    return;
  }
#endif
  bytesim_run_plain(ops, count, run);
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_kernels", .m_size = -1};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModule_Create(&definition); }
