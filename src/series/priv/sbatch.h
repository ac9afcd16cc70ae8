/* Batches as bytes: what sbatch_add builds is the payload of a log record
 * (docs/formats/series.md, Batch), so that appending is copying. */
#ifndef MO_SERIES_PRIV_SBATCH_H
#define MO_SERIES_PRIV_SBATCH_H

#include "base/buf.h"
#include "series/priv/format.h"
#include "series/series.h"

#define BATCH_HEAD 16u
#define GROUP_HEAD 16u
enum { ROW_SEQ = 1, ROW_QUALITY = 2, ROW_ARRIVAL = 4 };

struct sbatch {
	int64_t arrival;
	uint32_t points, groups;
	size_t last; /* offset of the group that may still grow */
	struct buf rows;
	uint8_t *tell; /* NULL, or a byte a point */
};

/* One group, its rows not yet looked at. */
struct bgroup {
	series_id id;
	uint8_t type, flags;
	uint32_t n;
	struct span rows;
};
struct brow {
	int64_t t, arrival; /* arrival: only with ROW_ARRIVAL */
	uint64_t seq;
	uint8_t quality;
	union series_value v;
};

/* Takes the next group off s (group bytes only). False when s is empty or ends early. */
bool bgroup_next(struct bgroup *ret, struct span *s);
/* Takes the next row off g->rows; the caller knows that batch_check passed. */
void brow_next(struct brow *ret, struct bgroup *g);
/* Bytes of a row without the bytes of a string. */
size_t brow_fixed(uint8_t type, uint8_t flags);
/* Whether a record's payload keeps every rule of the format: everything but what the ids mean. */
bool batch_check(struct span payload);
static inline int64_t batch_arrival(struct span payload)
{
	return ldi64(payload.p);
}
static inline uint32_t batch_points(struct span payload)
{
	return ld32(payload.p + 8);
}
/* The most bytes the payload can take. */
size_t sbatch_payload_max(const struct sbatch *b);
/* Writes it, without the arrival times that lie within the slack of the batch's; gives the bytes used. */
size_t sbatch_payload(const struct sbatch *b, uint8_t *out);
/* Twice this is how far an arrival time may be from the truth: once in the log, once in the runs of a head. */
#define ARRIVAL_SLACK_NS (NS_PER_S / 2)
/* Within the slack, without overflow. */
static inline bool arrival_near(int64_t a, int64_t b)
{
	int64_t d;
	return !__builtin_sub_overflow(a, b, &d) && d >= -ARRIVAL_SLACK_NS && d <= ARRIVAL_SLACK_NS;
}

#endif
