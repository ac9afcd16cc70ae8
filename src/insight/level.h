/* Level shift of one signal, streaming, without training or settings: learns
 * level and noise, finds a lasting change of level and when it began.
 * Invariant to scale (x -> a*x, a > 0). One state per (series, operating
 * group): the caller keeps groups (item, mould) apart.
 * Method and constants: level.c; sources named there. */
#ifndef MO_INSIGHT_LEVEL_H
#define MO_INSIGHT_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct level;                /* fixed size, no pointers: may be copied, kept, thrown away and rebuilt by feeding again */
#define LEVEL_STATE_MAX 464u /* bytes */
struct level_store {
	_Alignas(8) unsigned char bytes[LEVEL_STATE_MAX];
};
struct level_sample {
	int64_t t_ns; /* not before the last one's; late values are not fed */
	uint64_t seq; /* 0 for a clock series */
	double value; /* finite */
};
enum level_verdict {
	LEVEL_NOTHING,
	LEVEL_SHIFTED, /* a shift is established: finding is filled */
	LEVEL_UPDATE,  /* still shifted; finding refined (begin may move by a few samples) */
	LEVEL_ENDED    /* back at the old level, or the new level became the normal one (end_ns: the sample that made it so) */
};
struct level_finding {
	int64_t begin_ns; /* first sample of the new level */
	uint64_t begin_seq;
	int64_t end_ns;       /* with LEVEL_ENDED: first sample back; else INT64_MIN */
	double before, after; /* levels */
	double noise;         /* robust sigma of single values around the old level */
	double strength;      /* |after - before| / noise */
	uint64_t samples;     /* seen since begin */
	int64_t unsure_ns;    /* the begin may lie that much earlier or later: a small shift in much noise cannot be dated better */
};
void level_init(struct level_store *s);
/* ret is written unless the verdict is LEVEL_NOTHING. LEVEL_UPDATE comes with every sample of a shift. */
enum level_verdict level_feed(struct level_store *s, const struct level_sample *x, struct level_finding *ret);
/* Two shifts of one machine that may have begun together have one begin: that of the surer one. Moves the begin of `f`
 * when it can't be told from that of `surer`, which is better dated (small shifts are dated late at times: to an earlier one it
 * moves further than to a later one); says whether it did. */
bool level_join(struct level_finding *f, const struct level_finding *surer);

#endif
