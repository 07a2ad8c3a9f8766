/* Bags of hashed n-grams: the sum of the table rows of all n-grams of a file over the root of their number.

   The hashes are those of nn/ngrams.py and models/encoder/edges.py. A row without a bucket is not added. */
#include "program.h"

#include <math.h>
#include <string.h>

#define PRIME 1000000007ull
#define MIX 2654435761ull
#define BASE 257 /* of the numbers that n-grams and words are before they are hashed */

static void add_row(float *out, const float *table, uint64_t row, int32_t width) {
  const float *values = table + row * width;
  for (int32_t k = 0; k < width; k++) out[k] += values[k];
}

static void divide(float *out, int32_t width, int64_t count) {
  const float root = sqrtf(count > 0 ? (float)count : 1.0f);
  for (int32_t k = 0; k < width; k++) out[k] /= root;
}

enum {
  LONGEST_WORD = 48, /* letters of a word whose places count, as in nn/ngrams.py */
  MOST_WORDS = 5,    /* of an n-gram of words */
};

/* A bag that is being filled. */
typedef struct {
  const float *table;
  uint64_t buckets;
  int32_t width;
  float *out;
  int64_t found;
} Bag;

static void add_ngram(Bag *bag, uint64_t value, uint64_t key) {
  add_row(bag->out, bag->table, (value * MIX + key * 40503) % PRIME % bag->buckets, bag->width);
  bag->found++;
}

/* The n-grams of tokens, of all lengths up to `longest` for which wanted[length] is not 0. */
static void add_tokens(Bag *bag, const int32_t *tokens, int32_t count, const uint8_t *wanted, int32_t longest) {
  for (int32_t end = 0; end < count; end++) {
    uint64_t value = 0;
    for (int32_t length = 1; length <= longest && length <= end + 1; length++) {
      const int32_t token = tokens[end - length + 1];
      if (token == END_OF_PATCH) break;
      value = (value * BASE + (uint64_t)token + 1) % PRIME;
      if (wanted[length]) add_ngram(bag, value, (uint64_t)length);
    }
  }
}

static int in_word(int32_t token) {
  return (token >= '0' && token <= '9') || (token >= 'A' && token <= 'Z') || (token >= 'a' && token <= 'z') ||
         (token >= 128 && token < END_OF_PATCH);
}

/* The n-grams of words, of all numbers of words up to `most` for which wanted[number] is not 0. */
static void add_words(Bag *bag, const int32_t *tokens, int32_t count, const uint8_t *wanted, int32_t most) {
  uint64_t words[MOST_WORDS] = {0}; /* the hashes of the last ones, the last of all first */
  int32_t known = 0;
  for (int32_t at = 0; at < count;) {
    uint64_t hash = 0, power = 1;
    const int32_t start = at;
    for (; at < count && in_word(tokens[at]); at++) {
      hash = (hash + ((uint64_t)tokens[at] + 1) * power) % PRIME;
      if (at - start < LONGEST_WORD - 1) power = power * BASE % PRIME;
    }
    if (at == start) {
      at++;
      continue;
    }
    memmove(words + 1, words, (MOST_WORDS - 1) * sizeof(*words));
    words[0] = hash;
    if (known < MOST_WORDS) known++;
    uint64_t value = 0;
    for (int32_t number = 1; number <= most && number <= known; number++) {
      value = (value * 1000003 + words[number - 1]) % PRIME;
      if (wanted[number]) add_ngram(bag, value, (uint64_t)number + 16);
    }
  }
}

/* The n-grams of bytes whose length, and those of words whose number, is wanted. */
void bytesim_ngram_bag(const int32_t *tokens, int32_t count, const uint8_t *wanted, int32_t longest,
                       const uint8_t *wanted_words, int32_t most_words, uint64_t buckets, const float *table,
                       int32_t width, float *out) {
  Bag bag = {table, buckets, width, out, 0};
  memset(out, 0, width * sizeof(float));
  add_tokens(&bag, tokens, count, wanted, longest);
  if (most_words) add_words(&bag, tokens, count, wanted_words, most_words);
  divide(out, width, bag.found);
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
        value = (value * BASE + (uint64_t)token + 1) % PRIME;
        const uint64_t key = (value + ((uint64_t)place * 2 + side) * 1000003 + (uint64_t)length * 40503) % PRIME;
        add_row(out, table, key * MIX % PRIME % buckets, width);
        found++;
      }
    }
  divide(out, width, found);
}
