/* Bags of hashed n-grams: the sum of the table rows of all n-grams of a file over the root of their number.

   The hashes are those of nn/ngrams.py and models/encoder/edges.py. A row without a bucket is not added. */
#include "program.h"

#include <math.h>
#include <string.h>

#define PRIME 1000000007ull
#define MIX 2654435761ull

static void add_row(float *out, const float *table, uint64_t row, int32_t width) {
  const float *values = table + row * width;
  for (int32_t k = 0; k < width; k++) out[k] += values[k];
}

static void divide(float *out, int32_t width, int64_t count) {
  const float root = sqrtf(count > 0 ? (float)count : 1.0f);
  for (int32_t k = 0; k < width; k++) out[k] /= root;
}

/* The n-grams of `count` tokens, of all lengths up to `longest` for which wanted[length] is not 0. */
void bytesim_ngram_bag(const int32_t *tokens, int32_t count, const uint8_t *wanted, int32_t longest, uint64_t buckets,
                       const float *table, int32_t width, float *out) {
  int64_t found = 0;
  memset(out, 0, width * sizeof(float));
  for (int32_t end = 0; end < count; end++) {
    uint64_t value = 0;
    for (int32_t length = 1; length <= longest && length <= end + 1; length++) {
      const int32_t token = tokens[end - length + 1];
      if (token == END_OF_PATCH) break;
      value = (value * 257 + (uint64_t)token + 1) % PRIME;
      if (!wanted[length]) continue;
      add_row(out, table, (value * MIX + (uint64_t)length * 40503) % PRIME % buckets, width);
      found++;
    }
  }
  divide(out, width, found);
}

/* The n-grams of lengths 1 to `longest` in both edges, (2, count) tokens, each hashed with its place. */
void bytesim_edge_bag(const int32_t *edges, int32_t count, int32_t longest, uint64_t buckets, const float *table,
                      int32_t width, float *out) {
  int64_t found = 0;
  memset(out, 0, width * sizeof(float));
  for (int32_t side = 0; side < 2; side++)
    for (int32_t place = 0; place < count; place++) {
      uint64_t value = 0;
      for (int32_t length = 1; length <= longest && place + length <= count; length++) {
        const int32_t token = edges[side * count + place + length - 1];
        if (token == END_OF_PATCH) break;
        value = (value * 257 + (uint64_t)token + 1) % PRIME;
        const uint64_t key = (value + ((uint64_t)place * 2 + side) * 1000003 + (uint64_t)length * 40503) % PRIME;
        add_row(out, table, key * MIX % PRIME % buckets, width);
        found++;
      }
    }
  divide(out, width, found);
}
