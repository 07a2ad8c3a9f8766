/* What a program of fused operations is, for the C side and for `program.py`, which lays out the same fields. */
#ifndef BYTESIM_PROGRAM_H
#define BYTESIM_PROGRAM_H

#include <stdint.h>

enum Code {
  EMBED_JOIN,      /* out[r] = table[token] of each of `c` tokens, side by side; b = width of one, d = which tokens */
  EMBED_SUM,       /* out[r] = bias + the sum over c tokens s of table[s * a + token], rows of width b; d = as above */
  LINEAR,          /* out[r] = in[r] W^T + bias; a outputs, b inputs, c = Epilogue, d = Weights */
  NORM,            /* out[r] = norm of in[r]; a = Norm, b = width, f = epsilon */
  ADD_ROW,         /* out[r] += table[position or step]; a = Index, b = width */
  ADD_FEATURE,     /* out[r] += the feature of the file; b = width, a = 1: one for each step */
  FIRST_FEATURE,   /* at step 0: out[r] = the feature of the file; b = width */
  CLOCK,           /* out[r] = cosines and sines of times; a, b = numbers of periods of the two times */
  NOTATION,        /* out[r] += a row for each number that the notation says; b = width, c = number of sizes */
  QKV,             /* norm, scale and rotate queries; keys and values to the cache; a, b = heads, c = width, d = layer */
  ATTEND,          /* out[r] = attention of queries over the visible part of the cache; as QKV; f = last slots seen, or 0 */
  QUERY,           /* norm and scale the heads of in[r], in place; a = heads, c = width */
  HANDS,           /* turn the waves of in[r] by the time of the row, in place; a = heads, b = periods */
  CROSS,           /* out[r] = attention over the source; b = register of hands or -1, d = layer, f = Weights of keys */
  SOURCE_KEYS,     /* keys and values of the source from in[r]; a = heads, b = Weights of them, c = width, d = layer */
  SOURCE_WAVES,    /* the waves of the times of the source; b = periods */
  ADD,             /* out[r] += in[r]; b = width */
  SHIFT,           /* drop the first slots of the cache, as many as a run has steps; b = slots that are kept; as QKV */
  LOAD,            /* out[r] = row r of `given`; b = width */
  READS,           /* out[r] = embeddings of the tokens that queries choose; a = reads, b = width, c = tokens, d = 1: hard */
  GATED_ADD,       /* out[r] += softplus(in[r]) times the feature of the file from place a on; b = width */
  SILU,            /* out[r] = silu(out[r]); b = width */
  MULTIPLY,        /* out[r] *= in[r]; b = width */
  CODES            /* how many there are */
};

enum Epilogue { STORE, ACCUMULATE, RELU_SQUARED, GELU, RELU };
enum Weights { FLOATS, BYTES, HALVES }; /* float32, int8 with scales in `extra`, bfloat16 */
enum Norm { RMS, RMS_WEIGHTED, LAYER };
enum Index { BY_POSITION, BY_STEP };
/* What threads share: long attentions only, the work of each operation, or the files, of which each runs all
   operations. */
enum Mode { LONG, OPERATIONS, FILES };

typedef struct {
  int32_t code, in, out, a, b, c, d;
  float f;
  const void *w, *bias, *extra;
} Op;

typedef struct {
  int32_t files, steps; /* row r is step r % steps of file r / steps */
  int32_t first_step;
  int32_t mode;    /* a Mode */
  int32_t workers; /* most threads, for which there is scratch */
  int32_t group;   /* files that a thread takes at once, with FILES */
  float *const *registers; /* each (rows, width) */
  const int32_t *widths;
  const int32_t *tokens[2]; /* (rows, any) each */
  const int32_t *positions; /* (rows,) of the rotation, and of rows of a table */
  const int32_t *slots;     /* (rows,) of the cache */
  const int32_t *visible;   /* (rows,) number of slots that a row attends to */
  const int32_t *times;     /* (rows, time_width) */
  const float *given;       /* (rows, any) */
  int64_t time_width;
  float *const *keys; /* (layers, files) -> heads of panels (width, PANEL) of slots */
  float *const *values; /* (layers, files) -> (heads, capacity, width) */
  const int32_t *capacities; /* (files,) */
  const float *const *features; /* (files,) */
  void *const *source_keys; /* (layers, files), as keys; float32 or bfloat16 */
  void *const *source_values;
  float *const *source_waves; /* (files,) -> panels (2 * periods, PANEL) of places */
  const int32_t *source_lengths; /* (files,) */
  const int32_t *source_capacities;
  float *scratch; /* for each worker, room for the scores of ROWS rows */
  int64_t scratch_width; /* of one worker */
} Run;

#define PANEL 32
#define END_OF_PATCH 256

/* Calls work(argument, part, worker) for parts 0 .. count - 1, on at most `most` threads of the pool, and returns when
   all are done. Workers are numbered from 0. */
typedef void (*Work)(const void *argument, int32_t part, int32_t worker);
void bytesim_for_all(Work work, const void *argument, int32_t count, int32_t most);

void bytesim_run_plain(const Op *ops, int32_t count, const Run *run);
void bytesim_run_avx2(const Op *ops, int32_t count, const Run *run);
void bytesim_run_avx512(const Op *ops, int32_t count, const Run *run);

#endif
