/* Segments, read. Header | blocks | series entries | block entries | trailer. */
#include "series/priv/segment.h"

#include <stdlib.h>

#include "base/crc32c.h"

static const char end_magic[9] = "morusEND";

static bool series_ok(const struct seg *s, const struct sentry *e, uint64_t blocks_before, size_t dir_offset)
{
	if (e->type < SERIES_F64 || e->type > SERIES_STR || e->kind < SERIES_CLOCK || e->kind > SERIES_SEQUENCE || e->zero != 0 ||
	        e->id == 0 || e->id > SERIES_COUNT_MAX || e->blocks == 0 || e->block != blocks_before ||
	        e->blocks > s->nblocks - e->block || e->fresh > e->points)
		return false;
	bool seq = e->kind == SERIES_SEQUENCE;
	uint64_t points = 0;
	for (uint32_t i = 0; i < e->blocks; i++) {
		const struct bentry *b = seg_block(s, e, i);
		if (!bentry_check(b, e->type, seq) || b->offset < FHEADER_BYTES || b->offset % 8 != 0 || b->offset > dir_offset ||
		        b->bytes > dir_offset - b->offset)
			return false;
		if (i > 0 && !pkey_less(bentry_last(seg_block(s, e, i - 1)), bentry_first(b)))
			return false;
		points += b->count;
	}
	return points == e->points && pkey_eq(sentry_first(e), bentry_first(seg_block(s, e, 0))) &&
	       pkey_eq(sentry_last(e), bentry_last(seg_block(s, e, e->blocks - 1)));
}

/* Checks header, trailer and directory of the mapped file and sets what points into it. */
static int seg_check(struct seg *s, uint64_t number, struct diag *d)
{
	struct fheader h;
	int r = fheader_check(&h, span_of(s->map, s->size), FILE_SEG, s->path, d);
	if (r != 0)
		return r;
	if (h.a != number || h.b > h.c)
		return series_say_corrupt(d, s->path, "header", 16);
	if (s->size < FHEADER_BYTES + TRAILER_BYTES)
		return series_say_corrupt(d, s->path, "size", s->size);
	size_t at = s->size - TRAILER_BYTES;
	const uint8_t *t = s->map + at;
	if (memcmp(t, end_magic, 8) != 0 || ld32(t + 60) != crc32c(0, span_of(t, 60)) || !all_zero(t + 52, 8) || ld64(t + 8) != number)
		return series_say_corrupt(d, s->path, "trailer", at);
	uint64_t dir = ld64(t + 16);
	s->nseries = ld32(t + 24);
	s->nblocks = ld32(t + 28);
	s->points = ld64(t + 32);
	s->dir_crc = ld32(t + 48);
	uint64_t dir_bytes = (uint64_t)s->nseries * sizeof(struct sentry) + (uint64_t)s->nblocks * sizeof(struct bentry);
	if (ld64(t + 40) != s->size || dir < FHEADER_BYTES || dir % 8 != 0 || dir > at || at - dir != dir_bytes)
		return series_say_corrupt(d, s->path, "trailer", at);
	if (crc32c(0, span_of(s->map + dir, dir_bytes)) != s->dir_crc)
		return series_say_corrupt(d, s->path, "directory", dir);
	s->series = (const struct sentry *)(const void *)(s->map + dir);
	s->block = (const struct bentry *)(const void *)(s->series + s->nseries);
	uint64_t blocks = 0, points = 0;
	for (uint32_t i = 0; i < s->nseries; i++) {
		const struct sentry *e = &s->series[i];
		if ((i > 0 && e->id <= e[-1].id) || !series_ok(s, e, blocks, dir))
			return series_say_corrupt(d, s->path, "directory", dir + i * sizeof *e);
		blocks += e->blocks;
		points += e->points;
		s->stale += e->points - e->fresh;
		s->t_min = i == 0 || e->t_first < s->t_min ? e->t_first : s->t_min;
		s->t_max = i == 0 || e->t_last > s->t_max ? e->t_last : s->t_max;
	}
	if (blocks != s->nblocks || points != s->points)
		return series_say_corrupt(d, s->path, "directory", dir);
	s->number = number;
	s->lo = h.b;
	s->hi = h.c;
	s->upto = h.d;
	return 0;
}

int seg_open(struct seg **ret, struct vfs *v, const char *dir, uint64_t number, struct diag *d)
{
	uint64_t size = 0;
	struct seg *s = calloc(1, sizeof *s);
	if (!s)
		return series_say_nomem(d);
	atomic_init(&s->refs, 1);
	s->vfs = v;
	s->path = fpath(dir, FILE_SEG, number);
	int r = s->path ? vfs_open(v, &s->f, s->path, VFS_READ, d) : series_say_nomem(d);
	if (r == 0)
		r = vfs_size(s->f, &size);
	if (r == 0 && size < FHEADER_BYTES + TRAILER_BYTES)
		r = series_say_corrupt(d, s->path, "size", size);
	if (r == 0) {
		s->size = (size_t)size;
		r = s->f->ops->map(s->f, s->size, &s->map);
	}
	if (r == 0)
		r = seg_check(s, number, d);
	if (r != 0) {
		series_say_os(d, r, "read", s->path ? s->path : dir);
		seg_unref(s);
		return r;
	}
	*ret = s;
	return 0;
}

void seg_ref(struct seg *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}

void seg_unref(struct seg *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (s->map)
		s->f->ops->unmap(s->f, s->map, s->size);
	vfs_close(s->f);
	free(s->path);
	free(s);
}

const struct sentry *seg_find(const struct seg *s, uint32_t id)
{
	uint32_t lo = 0, hi = s->nseries;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (s->series[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->nseries && s->series[lo].id == id ? &s->series[lo] : NULL;
}

uint32_t seg_search(const struct seg *s, const struct sentry *e, struct pkey key)
{
	uint32_t lo = 0, hi = e->blocks;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (pkey_less(bentry_last(seg_block(s, e, mid)), key))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int seg_decode(struct cols *ret, struct blockbuf *buf, struct seg *s, const struct sentry *e, uint32_t i, unsigned want, struct diag *d)
{
	static const char *const names[COL_COUNT] = {"time", "sequence", "value", "quality", "arrival"};
	const struct bentry *b = seg_block(s, e, i);
	int col = 0;
	int r = block_decode(ret, buf, e->type, e->kind == SERIES_SEQUENCE, b, span_of(s->map + b->offset, b->bytes), want, &col);
	if (r == MO_ENOMEM)
		return series_say_nomem(d);
	if (r == 0)
		return 0;
	atomic_store_explicit(&s->damaged, true, memory_order_relaxed);
	if (r != MO_EVERSION)
		return series_say_corrupt(d, s->path, "block", b->offset);
	diag_set(d, r, MSG_SERIES_CODEC_UNKNOWN);
	diag_file(d, s->path);
	diag_field(d, span_str(names[col]));
	diag_int(d, 0, b->codec[col]);
	return r;
}
