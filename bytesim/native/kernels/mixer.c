/* Lossless coding of bytes: the predictions of many contexts, and those of a model where one is given, are mixed bit by
   bit, and an arithmetic coder codes each bit with the mixed probability.

   All arithmetic is of integers, so that every processor computes the same; only the probabilities of a model that are
   given may differ between processors. A probability is that of a 1, in 65536ths. In the logistic domain it is
   256 * ln(p / (1 - p)).

   Context mixing: Mahoney 2005, "Adaptive weighing of context models for lossless data compression". */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(_MSC_VER)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* Where the compiler can, code is made for several processors, and the best is chosen when the program starts. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__)
#define FOR_SEVERAL __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#define INSIDE static inline __attribute__((always_inline))
#else
#define FOR_SEVERAL
#define INSIDE static inline
#endif

#if defined(__GNUC__)
#define FETCH(place) __builtin_prefetch(place)
#else
#define FETCH(place) ((void)0)
#endif

enum {
  CONTEXTS = 13,             /* contexts whose histories are kept in tables */
  INPUTS = 2 * CONTEXTS + 6, /* of the mixers */
  SETS = 6,                  /* mixers, each of which picks its weights by another context */
  SETS_ALONE = 3,            /* those of them that work without a model */
  MOST = 12 * 256 - 1,       /* greatest value in the logistic domain */
  LONGEST = 63,              /* a match that is longer counts as this long */
  SHORTEST = 8,              /* bytes by which a match is found */
  PERIODS = 64,              /* longest period of records */
  KNOTS = 33,                /* of the tables of the last stage */
  OF_MODEL = 45000,          /* first weight of a model, in 65536ths */
  BESIDE_MODEL = 4000,       /* first weights of the contexts with a model */
  ALONE = 11000,             /* and without one */
  HEAVIEST = 1 << 24,        /* greatest weight, which is 256 */
  RATE = 4,                  /* how fast weights are learned in the end */
  RATE_AT_FIRST = 14,        /* and how much faster at first, an amount that is halved after 4,096 bytes */
  POWERS = 16 * 256,         /* steps of the exponential function */
  RUN = 65536,               /* bytes that may be told to be all the same */
  RUN_SHARE = 64,            /* 65536ths of the probability for that */
  SLOT = 16,                 /* bytes of a slot: a check, and the histories of the 15 nodes of four bits */
  MATCH_BITS = 20,
  FINE = 65536               /* contexts of a table of the last stage */
};

/* The histories of bits: how many zeros and ones came, and which came last. */
typedef struct History {
  uint8_t next[256][2];
  uint8_t counts[256][2];
  uint16_t start[256]; /* a first guess of the probability */
} History;

typedef struct Table {
  uint8_t *slots;
  uint64_t groups; /* of four slots, a power of two */
} Table;

typedef struct Mixer {
  Table tables[CONTEXTS];
  uint8_t *memory[CONTEXTS];      /* of the tables, as allocated */
  uint8_t *slot[CONTEXTS];        /* of the four bits that are coded now */
  uint32_t maps[CONTEXTS][256];   /* history -> probability in 22 bits, and how often it was seen in 10 */
  uint32_t bytes_only[256];       /* the same by the bits of the byte so far */
  uint32_t match_map[(LONGEST + 1) * 2];
  int32_t weights[SETS][2048][INPUTS];
  int32_t final_weights[256][SETS];
  uint16_t fine[2][FINE][KNOTS];
  int32_t inputs[INPUTS];
  uint32_t hashes[CONTEXTS];
  uint8_t *window; /* the last bytes */
  uint64_t window_mask;
  uint64_t position; /* bytes so far */
  uint32_t *matches; /* hash of the last bytes -> position after them */
  uint64_t match_at;
  int32_t match_length;
  uint32_t word, last_word;
  uint16_t after[256]; /* the last two bytes that followed each byte */
  uint16_t period_scores[PERIODS + 1];
  int32_t period;
  int32_t sets; /* of the mixers, how many work */
  uint64_t low, high, code; /* of the arithmetic coder */
  int32_t started;
} Mixer;

/* ---- tables that are the same for all ----------------------------------------------------------------------------- */

/* 65536 / (1 + exp(-x)) for x = -12, -11.5, ..., 12. */
static const int32_t CURVE[49] = {
    0,     1,     1,     2,     3,     5,     8,     13,    22,    36,    60,    98,    162,   267,   439,   720,   1179,
    1921,  3108,  4971,  7812,  11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816,
    65097, 65269, 65374, 65438, 65476, 65500, 65514, 65523, 65528, 65531, 65533, 65534, 65535, 65535, 65536};

static uint16_t squashed[2 * MOST + 1];
static int16_t stretched[65536];
static uint32_t powers[POWERS]; /* exp(-i / 256) in 2^22nds */
static History history;
static int32_t ready;

static int32_t squash(int32_t x) {
  if (x > MOST) x = MOST;
  if (x < -MOST) x = -MOST;
  return squashed[x + MOST];
}

static void make_curve(void) {
  for (int32_t x = -MOST; x <= MOST; x++) {
    const int32_t place = x + 12 * 256, knot = place >> 7, rest = place & 127;
    int32_t p = CURVE[knot] + ((CURVE[knot + 1] - CURVE[knot]) * rest + 64) / 128;
    squashed[x + MOST] = (uint16_t)(p < 1 ? 1 : p > 65535 ? 65535 : p);
  }
  int32_t x = -MOST;
  for (int32_t p = 0; p < 65536; p++) {
    while (x < MOST && squashed[x + MOST] < p) x++;
    stretched[p] = (int16_t)x;
  }
}

/* Greatest count of one bit beside so many of the other. */
static int32_t most_beside(int32_t other) {
  static const int32_t most[] = {60, 30, 14, 8, 5};
  return other < 5 ? most[other] : 0;
}

static int32_t is_history(int32_t zeros, int32_t ones) {
  return zeros < ones ? ones <= most_beside(zeros) : zeros <= most_beside(ones);
}

/* Whether a history also tells which bit came last. */
static int32_t tells_last(int32_t zeros, int32_t ones) { return zeros && ones && zeros <= 3 && ones <= 3; }

static void make_histories(void) {
  static uint8_t numbers[61][61][2];
  int32_t count = 0;
  memset(numbers, 0, sizeof numbers);
  for (int32_t total = 0; total <= 90; total++)
    for (int32_t ones = 0; ones <= total && ones <= 60; ones++) {
      const int32_t zeros = total - ones;
      if (zeros > 60 || !is_history(zeros, ones)) continue;
      for (int32_t last = 0; last < 2; last++) {
        if (last && !tells_last(zeros, ones)) {
          numbers[zeros][ones][1] = numbers[zeros][ones][0];
          continue;
        }
        numbers[zeros][ones][last] = (uint8_t)count;
        history.counts[count][0] = (uint8_t)zeros;
        history.counts[count][1] = (uint8_t)ones;
        history.start[count] = (uint16_t)(65536 * (2 * ones + 1) / (2 * total + 2));
        count++;
      }
    }
  for (int32_t zeros = 0; zeros <= 60; zeros++)
    for (int32_t ones = 0; ones <= 60; ones++)
      if (is_history(zeros, ones))
        for (int32_t last = 0; last < 2; last++)
          for (int32_t bit = 0; bit < 2; bit++) {
            int32_t same = (bit ? ones : zeros) + 1, other = bit ? zeros : ones;
            if (other > 2) other = other < 4 ? 2 : 3; /* what came before the change counts less */
            while (same > most_beside(other) && other <= same && same > 1 && !is_history(same, other)) same--;
            while (!is_history(same, other)) other--;
            const uint8_t number = numbers[zeros][ones][last];
            history.next[number][bit] = bit ? numbers[other][same][1] : numbers[same][other][0];
          }
}

static void make_tables(void) {
  if (ready) return;
  for (int32_t i = 0; i < POWERS; i++) powers[i] = (uint32_t)(exp(-i / 256.0) * (1 << 22) + 0.5);
  make_curve();
  make_histories();
  ready = 1;
}

/* ---- adaptive probabilities --------------------------------------------------------------------------------------- */

static int32_t probability(uint32_t entry) { return (int32_t)(entry >> 16); }

/* Move an entry towards a bit: by 1 / (n + 1.5) at its n-th use, and by 1 / limit at the least. */
static void learn(uint32_t *entry, int32_t bit, uint32_t limit) {
  const uint32_t seen = *entry & 1023, p = *entry >> 10;
  const int64_t aim = bit ? (1 << 22) - 1 : 0;
  const int64_t step = (aim - (int64_t)p) * 2 / (int64_t)(2 * seen + 3);
  *entry = ((uint32_t)((int64_t)p + step) << 10) | (seen < limit ? seen + 1 : seen);
}

/* ---- contexts ----------------------------------------------------------------------------------------------------- */

static uint32_t hashed(uint32_t a, uint32_t b) {
  uint32_t h = a * 0x9E3779B1u ^ (b + 0x7F4A7C15u) * 0x85EBCA6Bu;
  h ^= h >> 15;
  h *= 0x2C1B3C6Du;
  return h ^ h >> 13;
}

static int32_t seen(const uint8_t *slot) { return history.counts[slot[1]][0] + history.counts[slot[1]][1]; }

static uint8_t *group_of(const Table *table, uint32_t hash) {
  return table->slots + ((hash >> 8) * 0x9E3779B97F4A7C15ull >> 20 & (table->groups - 1)) * 4 * SLOT;
}

/* The slot of a context, emptied if it held another one: of three places the one that was seen least. */
static uint8_t *find_slot(const Table *table, uint32_t hash) {
  uint8_t *const group = group_of(table, hash);
  const uint8_t check = (uint8_t)hash;
  const uint32_t first = hash >> 8 & 3;
  uint8_t *least = 0;
  for (uint32_t probe = 0; probe < 3; probe++) {
    uint8_t *const slot = group + (first ^ probe) * SLOT;
    if (slot[0] == check && slot[1]) return slot;
    if (!least || seen(slot) < seen(least)) least = slot;
  }
  memset(least, 0, SLOT);
  least[0] = check;
  return least;
}

/* Find the slots of all contexts; memory answers all at once. */
static void find_slots(Mixer *m, const uint32_t *hashes) {
  for (uint32_t i = 0; i < CONTEXTS; i++) FETCH(group_of(&m->tables[i], hashes[i]));
  for (uint32_t i = 0; i < CONTEXTS; i++) m->slot[i] = find_slot(&m->tables[i], hashes[i]);
}

static uint8_t back(const Mixer *m, uint64_t distance) {
  return distance <= m->position ? m->window[(m->position - distance) & m->window_mask] : 0;
}

static void find_period(Mixer *m, uint8_t byte) {
  const uint64_t end = m->position & m->window_mask;
  uint8_t last[PERIODS]; /* bytes, the last one at the end */
  if (end >= PERIODS)
    memcpy(last, m->window + end - PERIODS, PERIODS);
  else
    for (int32_t i = 1; i <= PERIODS; i++) last[PERIODS - i] = back(m, (uint64_t)i);
  uint16_t *const scores = m->period_scores;
  for (int32_t i = 0; i < PERIODS; i++) {
    const uint16_t score = scores[PERIODS - i];
    scores[PERIODS - i] = (uint16_t)(score - (score >> 5) + (last[i] == byte ? 1024 : 0));
  }
  int32_t best = 0;
  for (int32_t period = 1; period <= PERIODS; period++)
    if (scores[period] > scores[best] + (scores[best] >> 4)) best = period;
  m->period = scores[best] > 8192 && best > 1 ? best : 0;
}

static void find_match(Mixer *m) {
  uint32_t hash = 0;
  for (uint64_t distance = 1; distance <= SHORTEST; distance++) hash = hashed(hash, back(m, distance));
  uint32_t *const entry = &m->matches[hash >> (32 - MATCH_BITS)];
  if (!m->match_length && *entry && m->position >= SHORTEST) {
    const uint64_t at = *entry;
    if (m->position - at < m->window_mask) {
      int32_t length = 0;
      while (length < LONGEST && (uint64_t)length < at &&
             back(m, (uint64_t)length + 1) == m->window[(at - 1 - (uint64_t)length) & m->window_mask])
        length++;
      if (length >= SHORTEST) {
        m->match_length = length;
        m->match_at = at;
      }
    }
  }
  *entry = (uint32_t)m->position;
}

/* Take note of a byte that was coded, and find the slots for the next one. */
static void add_byte(Mixer *m, uint8_t byte) {
  if (m->match_length) {
    if (m->window[m->match_at & m->window_mask] == byte) {
      m->match_length += m->match_length < LONGEST;
      m->match_at++;
    } else {
      m->match_length = 0;
    }
  }
  find_period(m, byte);
  m->window[m->position & m->window_mask] = byte;
  m->position++;
  find_match(m);
  const uint8_t lower = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
  if ((lower >= 'a' && lower <= 'z') || byte >= 128) {
    m->word = hashed(m->word, lower);
  } else if (m->word) {
    m->last_word = m->word;
    m->word = 0;
  }
  const uint32_t c1 = back(m, 1), c2 = back(m, 2), c3 = back(m, 3), c4 = back(m, 4);
  const uint32_t two = c1 << 8 | c2, four = two << 16 | c3 << 8 | c4;
  const uint32_t period = (uint32_t)m->period;
  const uint32_t above = period ? back(m, period) : c3;
  const uint32_t column = period ? (uint32_t)(m->position % period) + 1 : 0;
  m->after[c2] = (uint16_t)(m->after[c2] << 8 | c1);
  uint32_t *const h = m->hashes;
  h[0] = c1;
  h[1] = two;
  h[2] = two << 8 | c3;
  h[3] = four;
  h[4] = hashed(four, (uint32_t)back(m, 5) << 8 | back(m, 6));
  h[5] = hashed(m->word, c1);
  h[6] = hashed(hashed(m->word, m->last_word), c1);
  h[7] = c2 << 8 | c3;
  h[8] = hashed(above << 8 | column, period);
  h[9] = hashed(above << 8 | c1, column << 8 | (period ? back(m, 2 * (uint64_t)period) : c4));
  h[10] = (uint32_t)m->after[c1] << 8 | c1;
  h[11] = (c1 & 240) << 16 | (c2 & 240) << 8 | (c3 & 240) | c4 >> 4; /* of numbers: how large they are about */
  h[12] = c3 << 8 | c4;
  for (uint32_t i = 0; i < CONTEXTS; i++) h[i] = hashed(h[i], i + 1);
  find_slots(m, h);
}

/* ---- prediction of one bit ---------------------------------------------------------------------------------------- */

typedef struct Bit {
  int32_t rows[SETS];      /* the weights that each mixer took */
  int32_t outputs[SETS];   /* in the logistic domain */
  int32_t mixed[SETS];     /* probabilities */
  int32_t together;
  uint16_t *knots[2];
  uint32_t node;           /* of the slots: the bits of the nibble so far, after a leading one */
  uint32_t before;         /* the bits of the byte so far, after a leading one */
  uint32_t *match;         /* entry of the match; 0 without one */
  int32_t expected;
} Bit;

static int32_t refined(Mixer *m, int32_t table, uint32_t context, int32_t x, Bit *bit) {
  uint16_t *const knots = m->fine[table][context & (FINE - 1)];
  const int32_t place = (x + MOST + 1) * (KNOTS - 1), knot = place / (2 * MOST + 2), rest = place % (2 * MOST + 2);
  bit->knots[table] = knots + knot + (rest > MOST);
  return (int32_t)(((int64_t)knots[knot] * (2 * MOST + 2 - rest) + (int64_t)knots[knot + 1] * rest) / (2 * MOST + 2));
}

/* The probability of a 1. `given` is that of the model in 65536ths, 0 without a model. */
INSIDE int32_t predict(Mixer *m, uint32_t before, uint32_t place, int32_t given, Bit *bit) {
  bit->before = before;
  bit->node = place < 4 ? before : (before & ((1u << (place - 4)) - 1)) | 1u << (place - 4);
  int32_t *const x = m->inputs;
  int32_t found = 0; /* of the contexts of the last bytes, how many were met before */
  for (int32_t i = 0; i < CONTEXTS; i++) {
    const uint8_t state = m->slot[i][bit->node];
    const int32_t p = probability(m->maps[i][state]);
    x[2 * i] = state ? stretched[p] : 0;
    x[2 * i + 1] = state ? (p - 32768) >> 4 : 0;
    found += state != 0 && i < 5;
  }
  int32_t *const rest = x + 2 * CONTEXTS;
  rest[0] = stretched[probability(m->bytes_only[before])];
  bit->match = 0;
  rest[1] = rest[2] = 0;
  if (m->match_length) {
    const uint32_t byte = m->window[m->match_at & m->window_mask] | 256u;
    if (byte >> (8 - place) == before) {
      bit->expected = byte >> (7 - place) & 1;
      bit->match = &m->match_map[m->match_length * 2 + bit->expected];
      rest[1] = stretched[probability(*bit->match)];
      rest[2] = (probability(*bit->match) - 32768) >> 4;
    }
  }
  rest[3] = given ? stretched[given] : 0;
  rest[4] = 256;
  rest[5] = given ? (given - 32768) >> 4 : 0;
  const int32_t length = bit->match ? 1 + (m->match_length > 15) + (m->match_length > 31) : 0;
  bit->rows[0] = (int32_t)before;
  bit->rows[1] = (found * 4 + length) * 8 + (int32_t)place;
  bit->rows[2] = given ? 256 + ((rest[3] + MOST) >> 8) * 8 + (int32_t)place : back(m, 1);
  if (m->sets == SETS) {
    bit->rows[3] = back(m, 1);
    bit->rows[4] = bit->match ? 1024 + m->match_length * 2 + bit->expected : back(m, 2);
    bit->rows[5] = (int32_t)(hashed((uint32_t)back(m, 1) << 8 | back(m, 2), 3) >> 21);
  }
  int64_t together = 0;
  for (int32_t set = 0; set < m->sets; set++) {
    const int32_t *const weights = m->weights[set][bit->rows[set]];
    int64_t sum = 0;
    for (int32_t i = 0; i < INPUTS; i++) sum += (int64_t)weights[i] * x[i];
    sum >>= 16;
    bit->outputs[set] = (int32_t)(sum > MOST ? MOST : sum < -MOST ? -MOST : sum);
    bit->mixed[set] = squash(bit->outputs[set]);
    together += (int64_t)m->final_weights[before][set] * bit->outputs[set];
  }
  together >>= 16;
  const int32_t y = (int32_t)(together > MOST ? MOST : together < -MOST ? -MOST : together);
  bit->together = squash(y);
  const uint32_t c1 = back(m, 1);
  const int32_t one = refined(m, 0, before | c1 << 8, y, bit);
  const int32_t two = refined(m, 1, hashed(back(m, 2) << 8 | c1, back(m, 3)) ^ before * 0x9E37u, y, bit);
  const int32_t p = (2 * bit->together + one + two + 2) >> 2;
  return p < 1 ? 1 : p > 65535 ? 65535 : p;
}

INSIDE int32_t moved(int32_t weight, int64_t step) {
  const int32_t sum = weight + (int32_t)((step + (1 << 19)) >> 20);
  return sum > HEAVIEST ? HEAVIEST : sum < -HEAVIEST ? -HEAVIEST : sum;
}

INSIDE void update(Mixer *m, const Bit *bit, int32_t y) {
  const int32_t *const x = m->inputs;
  const int32_t aim = y ? 65535 : 0;
  const int64_t age = (int64_t)(m->position >> 8);
  const int64_t rate = RATE + RATE_AT_FIRST * 16 / (16 + age);
  for (int32_t set = 0; set < m->sets; set++) {
    int32_t *const weights = m->weights[set][bit->rows[set]];
    const int64_t error = (aim - bit->mixed[set]) * rate;
    for (int32_t i = 0; i < INPUTS; i++) weights[i] = moved(weights[i], x[i] * error);
    int32_t *const weight = &m->final_weights[bit->before][set];
    *weight = moved(*weight, (int64_t)bit->outputs[set] * (aim - bit->together) * 2);
  }
  for (int32_t i = 0; i < CONTEXTS; i++) {
    uint8_t *const state = &m->slot[i][bit->node];
    learn(&m->maps[i][*state], y, 255);
    *state = history.next[*state][y];
  }
  learn(&m->bytes_only[bit->before], y, 255);
  if (bit->match) learn(bit->match, y, 1023);
  for (int32_t table = 0; table < 2; table++) {
    uint16_t *const knot = bit->knots[table];
    *knot = (uint16_t)(*knot + ((aim - *knot) >> 5));
  }
}

/* ---- arithmetic coder --------------------------------------------------------------------------------------------- */

static uint64_t split(const Mixer *m, int32_t p) { return m->low + ((m->high - m->low) >> 16) * (uint64_t)p; }

static int64_t put_bit(Mixer *m, int32_t bit, int32_t p, uint8_t *out) {
  int64_t written = 0;
  const uint64_t middle = split(m, p);
  if (bit)
    m->high = middle;
  else
    m->low = middle + 1;
  while ((m->low ^ m->high) >> 56 == 0) {
    out[written++] = (uint8_t)(m->high >> 56);
    m->low <<= 8;
    m->high = m->high << 8 | 255;
  }
  return written;
}

/* The bytes of a coded file, beyond whose end come zeros. */
typedef struct Coded {
  const uint8_t *bytes;
  int64_t length, read;
} Coded;

static uint8_t next_byte(Coded *coded) {
  const int64_t place = coded->read++;
  return place < coded->length ? coded->bytes[place] : 0;
}

static int32_t get_bit(Mixer *m, int32_t p, Coded *coded) {
  const uint64_t middle = split(m, p);
  const int32_t bit = m->code <= middle;
  if (bit)
    m->high = middle;
  else
    m->low = middle + 1;
  while ((m->low ^ m->high) >> 56 == 0) {
    m->low <<= 8;
    m->high = m->high << 8 | 255;
    m->code = m->code << 8 | next_byte(coded);
  }
  return bit;
}

/* The model's probability that the next bit is 1, in 65536ths; `sums` (257) are its cumulated frequencies of bytes. */
static int32_t given_bit(const uint32_t *sums, uint32_t before, uint32_t place) {
  const uint32_t width = 256u >> place, first = (before << (8 - place)) & 255;
  const uint32_t all = sums[first + width] - sums[first], ones = sums[first + width] - sums[first + width / 2];
  const int32_t p = (int32_t)(((uint64_t)ones * 65536 + all / 2) / all);
  return p < 1 ? 1 : p > 65535 ? 65535 : p;
}

/* Cumulated frequencies (257) of the bytes from a model's logits (257), the last of which is the end of the file. */
static void add_up(const float *logits, uint32_t *sums) {
  float most = logits[0];
  for (int32_t byte = 1; byte < 256; byte++) most = logits[byte] > most ? logits[byte] : most;
  sums[0] = 0;
  for (int32_t byte = 0; byte < 256; byte++) {
    const float below = most - logits[byte];
    const int32_t place = below < 15.0f ? (int32_t)(below * 256.0f + 0.5f) : POWERS - 1; /* not a number: the last */
    sums[byte + 1] = sums[byte] + 1 + powers[place];
  }
}

/* What becomes of the bits: with `coded` they are decoded, with `out` encoded there, with `told` measured. */
typedef struct Pass {
  Coded *coded;
  uint8_t *out;
  int64_t written;
  float *told; /* of a byte its bits, the bits that were expected, and the evidence in nats against what was expected */
} Pass;

static void tell(float *told, int32_t p, int32_t y) {
  const double one = p / 65536.0, share = y ? one : 1.0 - one, roots = sqrt(one) + sqrt(1.0 - one);
  told[0] -= (float)log2(share);
  told[1] -= (float)(one * log2(one) + (1.0 - one) * log2(1.0 - one));
  told[2] -= (float)(0.5 * log(share) + log(roots));
}

/* Code a byte; `given` (257) are the logits of a model, 0 without one. Returns the byte. */
FOR_SEVERAL static int32_t code_byte(Mixer *m, int32_t byte, const float *given, Pass *pass) {
  uint32_t sums[257], before = 1;
  if (given) add_up(given, sums);
  for (uint32_t place = 0; place < 8; place++) {
    Bit bit;
    const int32_t p = predict(m, before, place, given ? given_bit(sums, before, place) : 0, &bit);
    int32_t y;
    if (pass->coded) {
      y = get_bit(m, p, pass->coded);
    } else {
      y = byte >> (7 - place) & 1;
      if (pass->out) pass->written += put_bit(m, y, p, pass->out + pass->written);
      if (pass->told) tell(pass->told, p, y);
    }
    update(m, &bit, y);
    before = before << 1 | (uint32_t)y;
    if (place == 3) {
      uint32_t hashes[CONTEXTS];
      for (uint32_t i = 0; i < CONTEXTS; i++) hashes[i] = hashed(m->hashes[i], before + 256);
      find_slots(m, hashes);
    }
  }
  add_byte(m, (uint8_t)before);
  return (int32_t)(before & 255);
}

/* ---- what Python calls -------------------------------------------------------------------------------------------- */

EXPORT void bytesim_mixer_free(Mixer *m) {
  if (!m) return;
  for (int32_t i = 0; i < CONTEXTS; i++) free(m->memory[i]);
  free(m->window);
  free(m->matches);
  free(m);
}

/* A mixer whose tables have 2^bits groups of 64 bytes for each context, and that remembers 2^window_bits bytes; 0 if
   there is no memory for it. */
EXPORT Mixer *bytesim_mixer_new(int32_t bits, int32_t window_bits, int32_t with_model) {
  make_tables();
  Mixer *const m = calloc(1, sizeof(Mixer));
  if (!m) return 0;
  m->window = calloc((size_t)1 << window_bits, 1);
  m->window_mask = ((uint64_t)1 << window_bits) - 1;
  m->matches = calloc((size_t)1 << MATCH_BITS, sizeof(uint32_t));
  int32_t whole = m->window && m->matches;
  for (int32_t i = 0; i < CONTEXTS; i++) {
    m->memory[i] = calloc(((size_t)1 << bits) * 4 * SLOT + 63, 1);
    whole = whole && m->memory[i];
    m->tables[i].groups = (uint64_t)1 << bits;
    m->tables[i].slots = (uint8_t *)(((uintptr_t)m->memory[i] + 63) & ~(uintptr_t)63);
  }
  if (!whole) {
    bytesim_mixer_free(m);
    return 0;
  }
  for (int32_t i = 0; i < CONTEXTS; i++)
    for (int32_t state = 0; state < 256; state++) m->maps[i][state] = (uint32_t)history.start[state] << 16;
  for (int32_t i = 0; i < 256; i++) m->bytes_only[i] = 32768u << 16;
  for (int32_t i = 0; i < (LONGEST + 1) * 2; i++) {
    const uint32_t wrong = 65536u / (uint32_t)(i / 2 + 2);
    m->match_map[i] = (i & 1 ? 65535u - wrong : wrong) << 16;
  }
  m->sets = with_model ? SETS : SETS_ALONE;
  int32_t weights[INPUTS];
  for (int32_t i = 0; i < INPUTS; i++) {
    const int32_t after = i - 2 * CONTEXTS;
    const int32_t context = with_model ? BESIDE_MODEL : ALONE;
    weights[i] = after == 3 ? OF_MODEL : after >= 4 || (i & 1 && after < 0) ? 0 : context;
  }
  for (int32_t set = 0; set < m->sets; set++)
    for (int32_t row = 0; row < 2048; row++) memcpy(m->weights[set][row], weights, sizeof weights);
  for (int32_t row = 0; row < 256; row++)
    for (int32_t set = 0; set < m->sets; set++) m->final_weights[row][set] = 65536 / m->sets;
  uint16_t knots[KNOTS];
  for (int32_t knot = 0; knot < KNOTS; knot++)
    knots[knot] = (uint16_t)squash((knot * (2 * MOST + 2)) / (KNOTS - 1) - MOST - 1);
  for (int32_t table = 0; table < 2; table++)
    for (int32_t row = 0; row < FINE; row++) memcpy(m->fine[table][row], knots, sizeof knots);
  m->high = ~(uint64_t)0;
  add_byte(m, 0);
  m->position = 0;
  return m;
}

/* Whether the next RUN bytes repeat one byte is told in advance, so that sparse files take no time. */
static int32_t is_run(const uint8_t *data, int64_t count) {
  return count == RUN && !memcmp(data, data + 1, (size_t)count - 1);
}

/* Add the rest of a run whose first byte was coded. */
static void add_run(Mixer *m, uint8_t byte) {
  for (int64_t i = 2; i < RUN; i++) m->window[m->position++ & m->window_mask] = byte;
  add_byte(m, byte);
}

/* Encode at most RUN bytes, with the logits `given` (count, 257) of a model or 0. Returns how many bytes are in `out`, at
   most 16 for each byte and 8 more. */
EXPORT int64_t bytesim_mixer_encode(Mixer *m, const uint8_t *data, int64_t count, const float *given, uint8_t *out) {
  const int32_t run = is_run(data, count);
  Pass pass = {.out = out, .written = count == RUN ? put_bit(m, run, RUN_SHARE, out) : 0};
  for (int64_t i = 0; i < (run ? 1 : count); i++) code_byte(m, data[i], given ? given + 257 * i : 0, &pass);
  if (run) add_run(m, data[0]);
  return pass.written;
}

/* What `count` bytes would cost: of each its bits, the bits that were expected, and the evidence in nats that it is not
   drawn from what was expected, to `told` (count, 3), which is zero. */
EXPORT void bytesim_mixer_measure(Mixer *m, const uint8_t *data, int64_t count, float *told) {
  for (int64_t i = 0; i < count; i++) code_byte(m, data[i], 0, &(Pass){.told = told + 3 * i});
}

/* The last byte of a coded file. */
EXPORT int64_t bytesim_mixer_finish(Mixer *m, uint8_t *out) {
  out[0] = (uint8_t)(m->high >> 56);
  return 1;
}

/* Decode at most RUN bytes of a coded file of `length` bytes, of which `read` were read. Returns how many now are. */
EXPORT int64_t bytesim_mixer_decode(Mixer *m, const uint8_t *bytes, int64_t length, int64_t read, int64_t count,
                                    const float *given, uint8_t *out) {
  Coded coded = {bytes, length, read};
  if (!m->started) {
    for (int32_t i = 0; i < 8; i++) m->code = m->code << 8 | next_byte(&coded);
    m->started = 1;
  }
  const int32_t run = count == RUN && get_bit(m, RUN_SHARE, &coded);
  Pass pass = {.coded = &coded};
  for (int64_t i = 0; i < (run ? 1 : count); i++)
    out[i] = (uint8_t)code_byte(m, 0, given ? given + 257 * i : 0, &pass);
  if (run) {
    memset(out, out[0], (size_t)count);
    add_run(m, out[0]);
  }
  return coded.read;
}
