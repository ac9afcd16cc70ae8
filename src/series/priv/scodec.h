/* Column codecs: one column of one block to bytes and back (docs/formats/
 * series.md, Codecs). Writers append to `out` (whose sticky error the caller
 * checks once) in the smallest of the forms that give back every bit; readers
 * fill exactly n elements or give MO_ECORRUPT, MO_EVERSION for an unknown
 * codec, and never read outside the span. */
#ifndef MO_SERIES_SCODEC_H
#define MO_SERIES_SCODEC_H

#include "base/buf.h"
#include "base/err.h"

#define BLOCK_POINTS_MAX 65536u
#define TEXT_TABLE_MAX 256u /* different texts of a block that are kept once each */
enum scodec { SCODEC_RAW = 0, SCODEC_DELTA = 1, SCODEC_TABLE = 2 };
#define PACKED_HEAD 40u
#define RUN_Q_BYTES 8u
#define RUN_ARR_BYTES 16u

/* `times`: also tries whole microseconds, milliseconds and seconds as scale. */
uint8_t scodec_put_u64(struct buf *out, const uint64_t *x, size_t n, bool times);
MO_MUST_USE int scodec_get_u64(uint64_t *x, size_t n, uint8_t codec, struct span s);
/* scratch: n numbers. */
uint8_t scodec_put_f64(struct buf *out, const double *x, size_t n, uint64_t *scratch);
MO_MUST_USE int scodec_get_f64(double *x, size_t n, uint8_t codec, struct span s);
uint8_t scodec_put_bool(struct buf *out, const uint8_t *x, size_t n, uint64_t *scratch);
MO_MUST_USE int scodec_get_bool(uint8_t *x, size_t n, uint8_t codec, struct span s, uint64_t *scratch);
uint8_t scodec_put_str(struct buf *out, const struct span *x, size_t n, uint64_t *scratch);
/* The spans point into s. */
MO_MUST_USE int scodec_get_str(struct span *x, size_t n, uint8_t codec, struct span s, uint64_t *scratch);
/* Writes nothing when all are good. */
uint8_t scodec_put_quality(struct buf *out, const uint8_t *q, size_t n);
MO_MUST_USE int scodec_get_quality(uint8_t *q, size_t n, uint8_t codec, struct span s);
/* Writes nothing when every value arrived at its own time. */
uint8_t scodec_put_arrival(struct buf *out, const int64_t *t, const int64_t *arrival, size_t n);
MO_MUST_USE int scodec_get_arrival(int64_t *arrival, const int64_t *t, size_t n, uint8_t codec, struct span s);

#endif
