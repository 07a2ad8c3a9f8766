/* The fused operations, for one kind of vector. Included by each target file, which names its entry point RUN. */
#include "program.h"
#include "simd.h"

#define VECTORS (PANEL / VW)
/* A single row has few sums, so several inputs are added up side by side to hide the latency of a product. */
#define AT_ONCE (VECTORS <= 2 ? 4 : VECTORS <= 4 ? 2 : 1)
/* Fewer multiplications than these are not worth the other threads, nor fewer numbers of the other operations. */
#define SHARED_WORK 200000
#define SHARED_NUMBERS 16384
/* Multiplications of a long attention: the keys and values that it reads do not fit the first cache. */
#define LONG_WORK 100000
static const float TURN = 6.2831853071795864769f;

/* A vector of weights, from the place `index` on. */
INLINE vf weights_at(const int kind, const void *weights, int64_t index) {
  if (kind == BYTES) return v_bytes((const int8_t *)weights + index);
  if (kind == HALVES) return v_halves((const uint16_t *)weights + index);
  return v_load((const float *)weights + index);
}

/* The weights from the place `index` on. */
INLINE const void *weights_from(const int kind, const void *weights, int64_t index) {
  if (kind == BYTES) return (const int8_t *)weights + index;
  if (kind == HALVES) return (const uint16_t *)weights + index;
  return (const float *)weights + index;
}

/* sums[r] += x[r] times a matrix (inputs, PANEL) whose rows are `stride` apart; `R` and `kind` are constants where this
   is called. */
INLINE void product(const int R, const int kind, const float *x, int64_t x_stride, int32_t inputs, const void *matrix,
                    int64_t stride, vf sums[][VECTORS]) {
  int32_t k = 0;
  if (R == 1 && AT_ONCE > 1) {
    vf parts[AT_ONCE][VECTORS];
    UNROLL
    for (int u = 0; u < AT_ONCE; u++)
      for (int j = 0; j < VECTORS; j++) parts[u][j] = v_all(0.0f);
    for (; k + AT_ONCE <= inputs; k += AT_ONCE) {
      UNROLL
      for (int u = 0; u < AT_ONCE; u++) {
        vf one = v_all(x[k + u]);
        UNROLL
        for (int j = 0; j < VECTORS; j++)
          parts[u][j] = v_fma(one, weights_at(kind, matrix, (k + u) * stride + j * VW), parts[u][j]);
      }
    }
    UNROLL
    for (int u = 0; u < AT_ONCE; u++)
      for (int j = 0; j < VECTORS; j++) sums[0][j] = v_add(sums[0][j], parts[u][j]);
  }
  for (; k < inputs; k++) {
    vf row[VECTORS];
    UNROLL
    for (int j = 0; j < VECTORS; j++) row[j] = weights_at(kind, matrix, k * stride + j * VW);
    UNROLL
    for (int r = 0; r < R; r++) {
      vf one = v_all(x[r * x_stride + k]);
      UNROLL
      for (int j = 0; j < VECTORS; j++) sums[r][j] = v_fma(one, row[j], sums[r][j]);
    }
  }
}

INLINE void clear(const int R, vf sums[][VECTORS]) {
  UNROLL
  for (int r = 0; r < R; r++)
    for (int j = 0; j < VECTORS; j++) sums[r][j] = v_all(0.0f);
}

/* gelu(x) = x / (1 + e ** -2u), which is the form with tanh. */
INLINE vf gelu(vf x) {
  vf u = v_mul(v_mul(x, v_all(0.7978845608f)), v_fma(v_mul(x, x), v_all(0.044715f), v_all(1.0f)));
  return v_div(x, v_add(v_all(1.0f), v_exp(v_mul(u, v_all(-2.0f)))));
}

typedef struct {
  const float *x;
  int64_t x_stride;
  float *out;
  int64_t out_stride;
  int32_t inputs, outputs, rows, epilogue, kind;
  const void *weights;
  const float *bias, *scales;
} Linear;

INLINE void store_panel(const int R, const Linear *op, int32_t row, int32_t first, vf sums[][VECTORS]) {
  const int32_t width = op->outputs - first < PANEL ? op->outputs - first : PANEL;
  float last[PANEL];
  for (int r = 0; r < R; r++) {
    float *target = op->out + (row + r) * op->out_stride + first;
    float *out = target;
    if (width < PANEL) {
      memset(last, 0, sizeof last);
      memcpy(last, target, width * sizeof(float));
      out = last;
    }
    UNROLL
    for (int j = 0; j < VECTORS; j++) {
      vf x = sums[r][j];
      if (op->scales) x = v_mul(x, v_load(op->scales + first + j * VW));
      if (op->bias) x = v_add(x, v_load(op->bias + first + j * VW));
      if (op->epilogue == ACCUMULATE) x = v_add(x, v_load(out + j * VW));
      if (op->epilogue == RELU_SQUARED || op->epilogue == RELU) x = v_max(x, v_all(0.0f));
      if (op->epilogue == RELU_SQUARED) x = v_mul(x, x);
      if (op->epilogue == GELU) x = gelu(x);
      v_store(out + j * VW, x);
    }
    if (width < PANEL) memcpy(target, last, width * sizeof(float));
  }
}

INLINE void linear_rows(const int R, const Linear *op, int32_t row, int32_t panel) {
  vf sums[ROWS][VECTORS];
  const float *x = op->x + row * op->x_stride;
  const int64_t begin = (int64_t)panel * op->inputs * PANEL;
  clear(R, sums);
  if (op->kind == BYTES)
    product(R, BYTES, x, op->x_stride, op->inputs, weights_from(BYTES, op->weights, begin), PANEL, sums);
  else if (op->kind == HALVES)
    product(R, HALVES, x, op->x_stride, op->inputs, weights_from(HALVES, op->weights, begin), PANEL, sums);
  else
    product(R, FLOATS, x, op->x_stride, op->inputs, weights_from(FLOATS, op->weights, begin), PANEL, sums);
  store_panel(R, op, row, panel * PANEL, sums);
}

/* One panel of outputs for all rows. */
static void linear_panel(const void *given, int32_t panel, int32_t worker) {
  const Linear *op = given;
  (void)worker;
  int32_t row = 0;
  for (; row + ROWS <= op->rows; row += ROWS) linear_rows(ROWS, op, row, panel);
#if ROWS > 4
  for (; row + 4 <= op->rows; row += 4) linear_rows(4, op, row, panel);
#endif
#if ROWS > 2
  for (; row + 2 <= op->rows; row += 2) linear_rows(2, op, row, panel);
#endif
  for (; row < op->rows; row++) linear_rows(1, op, row, panel);
}


/* out (R, width) = factor[r] * x (R, inputs) times a matrix (inputs, width) whose rows are `stride` apart.

   The matrix is followed by PANEL numbers that may be read. */
INLINE void small_product(const int R, const int kind, const float *x, int64_t x_stride, int32_t inputs,
                          const void *matrix, int64_t stride, float *out, int64_t out_stride, int32_t width,
                          const float *factor) {
  for (int32_t first = 0; first < width; first += PANEL) {
    vf sums[ROWS][VECTORS];
    const int32_t part = width - first < PANEL ? width - first : PANEL;
    clear(R, sums);
    product(R, kind, x, x_stride, inputs, weights_from(kind, matrix, first), stride, sums);
    for (int r = 0; r < R; r++) {
      float row[PANEL];
      for (int j = 0; j < VECTORS; j++) v_store(row + j * VW, v_mul(sums[r][j], v_all(factor[r])));
      memcpy(out + r * out_stride + first, row, part * sizeof(float));
    }
  }
}

/* Turns the scores from `first` to `visible` into shares that add up to the inverse of the result; the others are 0. */
static float softmax(float *all, int32_t first, int32_t visible, int32_t length) {
  float *scores = all + first;
  vf most = v_all(-INFINITY), total = v_all(0.0f);
  const int32_t whole = (visible - first) / VW * VW;
  float greatest, sum;
  int32_t c;
  memset(all, 0, first * sizeof(float));
  visible -= first;
  length -= first;
  for (c = 0; c < whole; c += VW) most = v_max(most, v_load(scores + c));
  greatest = whole ? v_greatest(most) : -INFINITY;
  for (c = whole; c < visible; c++) greatest = scores[c] > greatest ? scores[c] : greatest;
  for (c = 0; c < whole; c += VW) {
    vf share = v_exp(v_sub(v_load(scores + c), v_all(greatest)));
    v_store(scores + c, share);
    total = v_add(total, share);
  }
  sum = v_sum(total);
  for (c = whole; c < visible; c++) {
    scores[c] = expf(scores[c] - greatest);
    sum += scores[c];
  }
  memset(scores + visible, 0, (length - visible) * sizeof(float));
  return 1.0f / sum;
}

typedef struct {
  const float *queries; /* (rows, width) of one head */
  int64_t query_stride;
  const float *hands; /* (rows, hand_width) or NULL */
  int64_t hand_stride;
  int32_t hand_width, width, value_width, window;
  const void *keys, *values; /* panels (width, PANEL), (capacity, value_width), both of one kind */
  const float *waves;        /* panels (hand_width, PANEL) */
  int64_t capacity;
  float *out, *scratch;
  int64_t out_stride;
} Head;

/* Attention of R rows of one head; row r sees the first visible[r] places. `kind` is that of the keys and values. */
INLINE void attend_rows(const int R, const int kind, const Head *head, int32_t row, const int32_t *visible) {
  int32_t longest = 0, begin = 0;
  float factor[ROWS];
  float *scores = head->scratch;
  const float *queries = head->queries + row * head->query_stride;
  const float *hands = head->hands ? head->hands + row * head->hand_stride : NULL;
  for (int r = 0; r < R; r++) longest = visible[r] > longest ? visible[r] : longest;
  for (int r = 0; r < R; r++) {
    const int32_t first = head->window && visible[r] > head->window ? visible[r] - head->window : 0;
    begin = r == 0 || first < begin ? first : begin;
  }
  begin = begin / PANEL * PANEL;
  for (int32_t c = begin; c < longest; c += PANEL) {
    vf sums[ROWS][VECTORS];
    clear(R, sums);
    product(R, kind, queries, head->query_stride, head->width,
            weights_from(kind, head->keys, (int64_t)c * head->width), PANEL, sums);
    if (hands)
      product(R, FLOATS, hands, head->hand_stride, head->hand_width, head->waves + (int64_t)c * head->hand_width, PANEL,
              sums);
    for (int r = 0; r < R; r++)
      for (int j = 0; j < VECTORS; j++) v_store(scores + r * head->capacity + c + j * VW, sums[r][j]);
  }
  for (int r = 0; r < R; r++) {
    const int32_t first = head->window && visible[r] > head->window ? visible[r] - head->window : 0;
    factor[r] = softmax(scores + r * head->capacity, first, visible[r], longest);
  }
  small_product(R, kind, scores + begin, head->capacity, longest - begin,
                weights_from(kind, head->values, (int64_t)begin * head->value_width), head->value_width,
                head->out + row * head->out_stride, head->out_stride, head->value_width, factor);
}

INLINE void attend(const int kind, const Head *head, int32_t rows, const int32_t *visible) {
  int32_t row = 0;
  for (; row + ROWS <= rows; row += ROWS) attend_rows(ROWS, kind, head, row, visible + row);
#if ROWS > 4
  for (; row + 4 <= rows; row += 4) attend_rows(4, kind, head, row, visible + row);
#endif
#if ROWS > 2
  for (; row + 2 <= rows; row += 2) attend_rows(2, kind, head, row, visible + row);
#endif
  for (; row < rows; row++) attend_rows(1, kind, head, row, visible + row);
}

/* Where the number k of the key at a place lies, in panels (width, PANEL). */
INLINE int64_t in_panels(int32_t place, int32_t width, int32_t k) {
  return ((int64_t)(place / PANEL) * width + k) * PANEL + place % PANEL;
}

static float inverse_root(const float *x, int32_t width, float epsilon) {
  float sum = 0.0f;
  vf total = v_all(0.0f);
  int32_t k = 0;
  for (; k + VW <= width; k += VW) total = v_fma(v_load(x + k), v_load(x + k), total);
  sum = v_sum(total);
  for (; k < width; k++) sum += x[k] * x[k];
  return 1.0f / sqrtf(sum / width + epsilon);
}

static void norm_row(const Op *op, const float *x, float *out) {
  const int32_t width = op->b;
  const float *weight = op->w, *bias = op->bias;
  if (op->a == LAYER) {
    float mean = 0.0f, spread = 0.0f;
    for (int32_t k = 0; k < width; k++) mean += x[k];
    mean /= width;
    for (int32_t k = 0; k < width; k++) spread += (x[k] - mean) * (x[k] - mean);
    spread = 1.0f / sqrtf(spread / width + op->f);
    for (int32_t k = 0; k < width; k++) out[k] = (x[k] - mean) * spread * weight[k] + bias[k];
    return;
  }
  const float factor = inverse_root(x, width, op->f);
  if (op->a == RMS_WEIGHTED)
    for (int32_t k = 0; k < width; k++) out[k] = x[k] * factor * weight[k];
  else
    for (int32_t k = 0; k < width; k++) out[k] = x[k] * factor;
}

static void clock_row(const Op *op, const int32_t *times, float *out) {
  const int32_t count = op->a + op->b;
  const int32_t *periods = op->w;
  for (int32_t k = 0; k < count; k++) {
    const int32_t time = times[k < op->a ? 0 : 1];
    int32_t rest = time % periods[k];
    rest = rest < 0 ? rest + periods[k] : rest;
    const float angle = (float)rest / (float)periods[k] * TURN;
    out[k] = cosf(angle);
    out[count + k] = sinf(angle);
  }
}

/* extra: places of pitch, accidentals and chord among the times, tones, alterations, letters, kinds, and the sizes. */
static void notation_row(const Op *op, const int32_t *times, float *out) {
  const int32_t *settings = op->extra, *sizes = settings + 7;
  const int32_t pitch = times[settings[0]], altered = times[settings[1]], chord = times[settings[2]];
  const int32_t tones = settings[3], alterations = settings[4], letters = settings[5], kinds = settings[6] + 1;
  const int32_t inner = chord > 0 ? chord - 1 : 0;
  const float *rows = op->w;
  int32_t numbers[32], count = 0, power = 1;
  numbers[count++] = pitch;
  numbers[count++] = pitch > 0 ? 1 + pitch % tones : 0;
  for (int32_t letter = 0; letter < letters; letter++, power *= alterations)
    numbers[count++] = altered / power % alterations;
  numbers[count++] = chord > 0 ? 1 + inner / tones / kinds : 0;
  numbers[count++] = chord > 0 ? 1 + inner % tones : 0;
  numbers[count++] = chord > 0 ? 1 + inner / tones % kinds : 0;
  for (int32_t index = 0; index < count; rows += (int64_t)sizes[index++] * op->b) {
    if (numbers[index] < 0 || numbers[index] >= sizes[index]) continue;
    const float *row = rows + (int64_t)numbers[index] * op->b;
    for (int32_t k = 0; k < op->b; k++) out[k] += row[k];
  }
}

INLINE void wave_of(int32_t time, float period, float *cosine, float *sine) {
  const float angle = (float)time / period * TURN;
  *cosine = cosf(angle);
  *sine = sinf(angle);
}

static void rotate(float *x, int32_t width, const float *cosines, const float *sines) {
  const int32_t half = width / 2;
  for (int32_t k = 0; k < half; k++) {
    const float first = x[k], second = x[half + k];
    x[k] = first * cosines[k] - second * sines[k];
    x[half + k] = second * cosines[half + k] + first * sines[half + k];
  }
}

/* w: scales of the query heads, or NULL without QK-norm; bias: the factor of queries; extra: the table of cosines and
   sines, (2, positions, width), or NULL; f: its number of positions. */
static void qkv_row(const Op *op, const Run *run, int32_t row, float *x) {
  const int32_t heads = op->a, key_heads = op->b, width = op->c, file = row / run->steps;
  const int64_t capacity = run->capacities[file];
  const int32_t slot = run->slots[row];
  const float *scale = op->w, *table = op->extra;
  float *keys = run->keys[(int64_t)op->d * run->files + file];
  float *values = run->values[(int64_t)op->d * run->files + file];
  for (int32_t head = 0; head < heads + key_heads; head++) {
    float *part = x + head * width;
    if (scale) {
      const float factor = inverse_root(part, width, 1.1920929e-07f) * (head < heads ? scale[head] : 1.0f);
      for (int32_t k = 0; k < width; k++) part[k] *= factor;
    }
    if (table) {
      const float *cosines = table + (int64_t)run->positions[row] * width;
      rotate(part, width, cosines, cosines + (int64_t)op->f * width);
    }
    if (head < heads)
      for (int32_t k = 0; k < width; k++) part[k] *= ((const float *)op->bias)[0];
  }
  for (int32_t head = 0; head < key_heads; head++) {
    const float *key = x + (heads + head) * width;
    for (int32_t k = 0; k < width; k++) keys[head * width * capacity + in_panels(slot, width, k)] = key[k];
    memcpy(values + (head * capacity + slot) * width, x + (heads + key_heads + head) * width, width * sizeof(float));
  }
}

static void attend_head(const Op *op, const Run *run, int32_t file, int32_t number, float *scratch) {
  const int32_t heads = op->a, key_heads = op->b, width = op->c, first = file * run->steps;
  const int64_t capacity = run->capacities[file], in_width = run->widths[op->in], out_width = run->widths[op->out];
  const int64_t key_head = (int64_t)number * key_heads / heads;
  const int64_t place = (int64_t)op->d * run->files + file;
  Head head = {
      .queries = run->registers[op->in] + first * in_width + number * width,
      .query_stride = in_width,
      .width = width,
      .value_width = width,
      .window = (int32_t)op->f,
      .keys = run->keys[place] + key_head * width * capacity,
      .values = run->values[place] + key_head * width * capacity,
      .capacity = capacity,
      .out = run->registers[op->out] + first * out_width + number * width,
      .out_stride = out_width,
      .scratch = scratch,
  };
  attend(FLOATS, &head, run->steps, run->visible + first);
}

static void query_row(const Op *op, float *x) {
  const float *scale = op->w;
  for (int32_t head = 0; head < op->a; head++, x += op->c) {
    const float factor = inverse_root(x, op->c, 1.1920929e-07f) * scale[head] * op->f;
    for (int32_t k = 0; k < op->c; k++) x[k] *= factor;
  }
}

static void hands_row(const Op *op, int32_t time, float *x) {
  const int32_t count = op->b;
  const float *periods = op->w;
  for (int32_t k = 0; k < count; k++) {
    float cosine, sine;
    wave_of(time, periods[k], &cosine, &sine);
    for (int32_t head = 0; head < op->a; head++) {
      float *one = x + head * 2 * count + k, *other = one + count;
      const float first = *one, second = *other;
      *one = first * cosine - second * sine;
      *other = first * sine + second * cosine;
    }
  }
}

/* `kind` is that of the keys and values of the source. */
INLINE void cross_head(const int kind, const Op *op, const Run *run, int32_t file, int32_t number, float *scratch) {
  const int32_t heads = op->a, width = op->c, first = file * run->steps;
  const int64_t capacity = run->source_capacities[file];
  const int64_t in_width = run->widths[op->in], out_width = run->widths[op->out];
  const int64_t place = (int64_t)op->d * run->files + file;
  int32_t visible[ROWS];
  for (int r = 0; r < ROWS; r++) visible[r] = run->source_lengths[file];
  Head head = {
      .queries = run->registers[op->in] + first * in_width + number * width,
      .query_stride = in_width,
      .width = width,
      .value_width = width,
      .keys = weights_from(kind, run->source_keys[place], (int64_t)number * width * capacity),
      .values = weights_from(kind, run->source_values[place], (int64_t)number * width * capacity),
      .capacity = capacity,
      .out = run->registers[op->out] + first * out_width + number * width,
      .out_stride = out_width,
      .scratch = scratch,
  };
  if (op->b >= 0) {
    head.hand_stride = run->widths[op->b];
    head.hand_width = (int32_t)(head.hand_stride / heads);
    head.hands = run->registers[op->b] + first * head.hand_stride + (int64_t)number * head.hand_width;
    head.waves = run->source_waves[file];
  }
  for (int32_t row = 0; row < run->steps; row += ROWS) {
    Head part = head;
    part.queries += row * head.query_stride;
    part.out += row * head.out_stride;
    if (head.hands) part.hands += row * head.hand_stride;
    attend(kind, &part, run->steps - row < ROWS ? run->steps - row : ROWS, visible);
  }
}

/* Stores a number as float32, or rounded to bfloat16. */
INLINE void put_number(int32_t kind, void *numbers, int64_t place, float x) {
  uint32_t bits;
  if (kind == FLOATS) {
    ((float *)numbers)[place] = x;
    return;
  }
  memcpy(&bits, &x, sizeof bits);
  ((uint16_t *)numbers)[place] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void source_row(const Op *op, const Run *run, int32_t row, float *x) {
  const int32_t heads = op->a, width = op->c, file = row / run->steps, place = row % run->steps;
  const int64_t capacity = run->source_capacities[file];
  void *keys = run->source_keys[(int64_t)op->d * run->files + file];
  void *values = run->source_values[(int64_t)op->d * run->files + file];
  for (int32_t head = 0; head < heads; head++) {
    const float *key = x + head * width, *value = x + (heads + head) * width;
    const float factor = inverse_root(key, width, 1.1920929e-07f);
    for (int32_t k = 0; k < width; k++) {
      put_number(op->b, keys, head * width * capacity + in_panels(place, width, k), key[k] * factor);
      put_number(op->b, values, (head * capacity + place) * width + k, value[k]);
    }
  }
}

static void waves_row(const Op *op, const Run *run, int32_t row) {
  const int32_t file = row / run->steps, place = row % run->steps, time = run->times[row * run->time_width];
  const int32_t width = 2 * op->b;
  const float *periods = op->w;
  float *waves = run->source_waves[file];
  for (int32_t k = 0; k < op->b; k++)
    wave_of(time, periods[k], waves + in_panels(place, width, k), waves + in_panels(place, width, op->b + k));
}

/* Move the keys and values of the slots from `steps` on to the first slots. */
static void shift_file(const Op *op, const Run *run, int32_t file) {
  const int32_t width = op->c, kept = op->b, by = run->steps;
  const int64_t capacity = run->capacities[file];
  float *keys = run->keys[(int64_t)op->d * run->files + file];
  float *values = run->values[(int64_t)op->d * run->files + file];
  for (int32_t head = 0; head < op->a; head++, keys += width * capacity, values += width * capacity) {
    for (int32_t slot = 0; slot < kept; slot++)
      for (int32_t k = 0; k < width; k++) keys[in_panels(slot, width, k)] = keys[in_panels(slot + by, width, k)];
    memmove(values, values + (int64_t)by * width, (size_t)kept * width * sizeof(float));
  }
}

static void embed_row(const Op *op, const int32_t *tokens, float *out) {
  const float *table = op->w, *bias = op->bias;
  if (op->code == EMBED_JOIN) {
    for (int32_t s = 0; s < op->c; s++)
      memcpy(out + s * op->b, table + (int64_t)tokens[s] * op->b, op->b * sizeof(float));
    return;
  }
  for (int32_t k = 0; k < op->b; k++) out[k] = bias ? bias[k] : 0.0f;
  for (int32_t s = 0; s < op->c; s++) {
    const float *row = table + ((int64_t)s * op->a + tokens[s]) * op->b;
    for (int32_t k = 0; k < op->b; k++) out[k] += row[k];
  }
}

/* w: keys (tokens, width), extra: embeddings (vocabulary, width). Source: nn/reads.py. */
static void reads_row(const Op *op, const int32_t *tokens, const float *queries, float *out) {
  const int32_t width = op->b, count = op->c;
  const float *keys = op->w, *table = op->extra;
  float scores[256];
  for (int32_t number = 0; number < op->a; number++, queries += width, out += width) {
    float most = -INFINITY, total = 0.0f;
    int32_t best = 0;
    for (int32_t s = 0; s < count; s++) {
      scores[s] = 0.0f;
      for (int32_t k = 0; k < width; k++) scores[s] += queries[k] * keys[s * width + k];
      scores[s] *= op->f;
      if (scores[s] > most) {
        most = scores[s];
        best = s;
      }
    }
    if (op->d) {
      memcpy(out, table + (int64_t)tokens[best] * width, width * sizeof(float));
      continue;
    }
    memset(out, 0, width * sizeof(float));
    for (int32_t s = 0; s < count; s++) total += scores[s] = expf(scores[s] - most);
    for (int32_t s = 0; s < count; s++)
      for (int32_t k = 0; k < width; k++) out[k] += scores[s] / total * table[(int64_t)tokens[s] * width + k];
  }
}

static void gated_row(const Op *op, float gate, const float *feature, float *out) {
  const float factor = gate > 20.0f ? gate : log1pf(expf(gate));
  for (int32_t k = 0; k < op->b; k++) out[k] += factor * feature[op->a + k];
}

static void add(float *out, const float *x, int32_t width) {
  for (int32_t k = 0; k < width; k++) out[k] += x[k];
}

/* One operation for one row; those that take all rows at once are in `run_op`. */
static void run_row(const Op *op, const Run *run, int32_t row) {
  const int32_t file = row / run->steps, step = run->first_step + row % run->steps;
  const float *in = op->in < 0 ? NULL : run->registers[op->in] + (int64_t)row * run->widths[op->in];
  float *out = op->out < 0 ? NULL : run->registers[op->out] + (int64_t)row * run->widths[op->out];
  const int32_t *times = run->times ? run->times + row * run->time_width : NULL;
  const int32_t index = op->a == BY_POSITION && run->positions ? run->positions[row] : step;
  switch (op->code) {
  case EMBED_JOIN:
  case EMBED_SUM: embed_row(op, run->tokens[op->d] + (int64_t)row * op->c, out); break;
  case NORM: norm_row(op, in, out); break;
  case ADD_ROW: add(out, (const float *)op->w + (int64_t)index * op->b, op->b); break;
  case ADD_FEATURE: add(out, run->features[file] + (op->a ? (int64_t)step * op->b : 0), op->b); break;
  case FIRST_FEATURE:
    if (step == 0) memcpy(out, run->features[file], op->b * sizeof(float));
    break;
  case CLOCK: clock_row(op, times, out); break;
  case NOTATION: notation_row(op, times, out); break;
  case QKV: qkv_row(op, run, row, out); break;
  case QUERY: query_row(op, out); break;
  case HANDS: hands_row(op, times[0], out); break;
  case SOURCE_KEYS: source_row(op, run, row, out); break;
  case SOURCE_WAVES: waves_row(op, run, row); break;
  case ADD: add(out, in, op->b); break;
  case SILU:
    for (int32_t k = 0; k < op->b; k++) out[k] /= 1.0f + expf(-out[k]);
    break;
  case MULTIPLY:
    for (int32_t k = 0; k < op->b; k++) out[k] *= in[k];
    break;
  case LOAD: memcpy(out, run->given + (int64_t)row * op->b, op->b * sizeof(float)); break;
  case READS: reads_row(op, run->tokens[0] + (int64_t)row * op->c, in, out); break;
  case GATED_ADD: gated_row(op, in[0], run->features[file], out); break;
  default: break;
  }
}

/* An operation for the files from `first` on. */
typedef struct {
  const Op *op;
  const Run *run;
  int32_t first;
} Part;

static void take_row(const void *given, int32_t row, int32_t worker) {
  const Part *part = given;
  (void)worker;
  run_row(part->op, part->run, part->first * part->run->steps + row);
}

static void take_head(const void *given, int32_t number, int32_t worker) {
  const Part *part = given;
  const Op *op = part->op;
  float *scratch = part->run->scratch + worker * part->run->scratch_width;
  const int32_t file = part->first + number / op->a, head = number % op->a;
  if (op->code == ATTEND)
    attend_head(op, part->run, file, head, scratch);
  else if (op->f == (float)HALVES)
    cross_head(HALVES, op, part->run, file, head, scratch);
  else
    cross_head(FLOATS, op, part->run, file, head, scratch);
}

static void take_shift(const void *given, int32_t file, int32_t worker) {
  const Part *part = given;
  (void)worker;
  shift_file(part->op, part->run, part->first + file);
}

/* Multiplications of an attention, about. */
static int64_t attention_work(const Op *op, const Run *run, int32_t first, int32_t last) {
  int64_t seen = 0;
  for (int32_t file = first; file < last; file++)
    seen += op->code == ATTEND ? run->visible[file * run->steps] : run->source_lengths[file];
  return seen * run->steps * op->a * op->c * 2;
}

/* All parts of an operation for the files from `first` to `last`, on other threads too if `shared`. */
static void run_op(const Op *op, const Run *run, int32_t first, int32_t last, int32_t worker, int shared) {
  const int64_t row = (int64_t)first * run->steps;
  const int32_t files = last - first, rows = files * run->steps;
  Part part = {op, run, first};
  Linear product;
  const void *argument = &part;
  Work work = take_row;
  int32_t count = rows;
  if (op->code == LINEAR) {
    product = (Linear){
        .x = run->registers[op->in] + row * run->widths[op->in],
        .x_stride = run->widths[op->in],
        .out = run->registers[op->out] + row * run->widths[op->out],
        .out_stride = run->widths[op->out],
        .outputs = op->a,
        .inputs = op->b,
        .rows = rows,
        .epilogue = op->c,
        .kind = op->d,
        .weights = op->w,
        .bias = op->bias,
        .scales = op->extra,
    };
    argument = &product;
    work = linear_panel;
    count = (op->a + PANEL - 1) / PANEL;
    shared = shared && (int64_t)op->a * op->b * rows >= SHARED_WORK;
  } else if (op->code == ATTEND || op->code == CROSS) {
    work = take_head;
    count = files * op->a;
    shared = run->mode != FILES && attention_work(op, run, first, last) >= LONG_WORK;
  } else if (op->code == SHIFT) {
    work = take_shift;
    count = files;
    shared = 0;
  } else {
    shared = shared && op->out >= 0 && (int64_t)rows * run->widths[op->out] >= SHARED_NUMBERS;
  }
  if (shared)
    bytesim_for_all(work, argument, count, run->workers);
  else
    for (int32_t number = 0; number < count; number++) work(argument, number, worker);
}

typedef struct {
  const Op *ops;
  const Run *run;
  int32_t count;
} Whole;

/* All operations for a group of files. */
static void run_files(const void *given, int32_t number, int32_t worker) {
  const Whole *whole = given;
  const int32_t first = number * whole->run->group, end = first + whole->run->group;
  const int32_t last = end < whole->run->files ? end : whole->run->files;
  for (int32_t op = 0; op < whole->count; op++) run_op(whole->ops + op, whole->run, first, last, worker, 0);
}

void RUN(const Op *ops, int32_t count, const Run *run) {
  if (run->mode == FILES) {
    const Whole whole = {ops, run, count};
    bytesim_for_all(run_files, &whole, (run->files + run->group - 1) / run->group, run->workers);
    return;
  }
  for (int32_t number = 0; number < count; number++)
    run_op(ops + number, run, 0, run->files, 0, run->mode == OPERATIONS);
}
