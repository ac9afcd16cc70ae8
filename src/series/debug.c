/* Our files in words, for `moru debug`. */
#include <inttypes.h>
#include <stdlib.h>

#include "series/priv/catalogue.h"
#include "series/priv/manifest.h"
#include "series/priv/sbatch.h"
#include "series/priv/segment.h"
#include "series/priv/wal.h"

static const char *const types[] = {"?", "f64", "i64", "bool", "string"};
static const char *const kinds[] = {"?", "clock", "sequence"};

static void put_time(struct buf *out, int64_t t)
{
	char s[32];
	if (t == T_NONE) {
		buf_adds(out, "-");
		return;
	}
	rfc3339_format(s, t);
	buf_adds(out, s);
}

static void put_def(struct buf *out, series_id id, const struct series_def *def)
{
	char u[UUID_TEXT];
	uuid_format(u, &def->uuid);
	buf_printf(out, "series %" PRIu32 " %s %s %s key=%.*s unit=%.*s\n", id, types[def->type], kinds[def->kind], u, SPAN_FMT(def->key),
	        SPAN_FMT(def->unit));
}

/* ---- log ---- */

static void put_batch(struct buf *out, struct span payload)
{
	buf_printf(out, "%" PRIu32 " points, arrived ", batch_points(payload));
	put_time(out, batch_arrival(payload));
	buf_adds(out, "\n");
	struct span s = span_sub(payload, BATCH_HEAD, payload.n);
	struct bgroup g;
	while (bgroup_next(&g, &s)) {
		struct bgroup rows = g;
		struct brow first = {0}, last = {0};
		for (uint32_t i = 0; i < g.n; i++) {
			brow_next(&last, &rows);
			if (i == 0)
				first = last;
		}
		buf_printf(out, "    series %" PRIu32 " %s: %" PRIu32 " rows%s%s%s, ", g.id, types[g.type], g.n,
		        g.flags & ROW_SEQ ? " +sequence" : "", g.flags & ROW_QUALITY ? " +quality" : "",
		        g.flags & ROW_ARRIVAL ? " +arrival" : "");
		put_time(out, first.t);
		buf_adds(out, " .. ");
		put_time(out, last.t);
		buf_adds(out, "\n");
	}
}

static void debug_log(struct buf *out, struct span file, const struct fheader *h)
{
	struct walscan s;
	struct walrec rec;
	uint64_t records = 0;
	walscan_init(&s, file, h);
	buf_printf(out, "log %016" PRIx64 ", version %" PRIu32 ", begins at position %" PRIu64 "%s, %zu bytes\n", h->a, h->version, h->b,
	        h->flags & FLAG_LOG_FIRST ? ", first after a start" : "", file.n);
	while (walscan_next(&s, &rec)) {
		records++;
		buf_printf(out, "  at %zu, up to position %" PRIu64 ": ", rec.offset, rec.end);
		series_id id;
		struct series_def def;
		if (rec.type == WAL_DEFINE && def_get(&id, &def, rec.payload) == 0)
			put_def(out, id, &def);
		else if (rec.type == WAL_BATCH && batch_check(rec.payload))
			put_batch(out, rec.payload);
		else
			buf_printf(out, "type %u, %zu bytes: not understood\n", rec.type, rec.payload.n);
	}
	buf_printf(out, "%" PRIu64 " records, whole up to byte %zu, %" PRIu64 " bytes torn behind\n", records, s.at, walscan_torn(&s));
}

/* ---- segment ---- */

static void put_block(struct buf *out, const struct bentry *b, uint8_t type)
{
	static const char *const names[COL_COUNT] = {"time", "sequence", "value", "quality", "arrival"};
	buf_printf(out, "    block at %" PRIu64 ", %" PRIu32 " points, %" PRIu32 " bad, ", b->offset, b->count, b->bad);
	put_time(out, b->t_first);
	buf_adds(out, " .. ");
	put_time(out, b->t_last);
	for (int i = 0; i < COL_COUNT; i++)
		if (b->col_bytes[i])
			buf_printf(out, ", %s %s %" PRIu32, names[i],
			        b->codec[i] == SCODEC_RAW     ? "raw"
			        : b->codec[i] == SCODEC_DELTA ? "delta"
			        : b->codec[i] == SCODEC_TABLE ? "table"
			                                      : "?",
			        b->col_bytes[i]);
	if (type != SERIES_STR && b->bad != b->count)
		buf_printf(out, ", min %g max %g sum %g first %g last %g", b->min, b->max, b->sum, b->first, b->last);
	buf_adds(out, "\n");
}

static int debug_segment(struct buf *out, struct vfs *vfs, const char *path, const struct fheader *h, struct diag *d)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 1;
	char *dir = malloc(n + 1);
	struct seg *g = NULL;
	if (!dir)
		return series_say_nomem(d);
	memcpy(dir, slash ? path : ".", n);
	dir[n] = 0;
	int r = seg_open(&g, vfs, dir, h->a, d);
	free(dir);
	if (r != 0)
		return r;
	buf_printf(out,
	        "segment %016" PRIx64 ", version %" PRIu32 ", flushes %" PRIu64 "..%" PRIu64 ", log up to %" PRIu64 ", %" PRIu64
	        " points, %" PRIu32 " series, %" PRIu32 " blocks, %zu bytes\n",
	        g->number, h->version, g->lo, g->hi, g->upto, g->points, g->nseries, g->nblocks, g->size);
	for (uint32_t i = 0; i < g->nseries; i++) {
		const struct sentry *e = &g->series[i];
		char u[UUID_TEXT];
		uuid_format(u, &e->uuid);
		buf_printf(out, "  series %" PRIu32 " %s %s %s: %" PRIu64 " points (%" PRIu64 " of them new), ", e->id, types[e->type],
		        kinds[e->kind], u, e->points, e->fresh);
		put_time(out, e->t_first);
		buf_adds(out, " .. ");
		put_time(out, e->t_last);
		buf_adds(out, "\n");
		for (uint32_t k = 0; k < e->blocks; k++)
			put_block(out, seg_block(g, e, k), e->type);
	}
	seg_unref(g);
	return 0;
}

/* ---- the others ---- */

static int on_def(void *arg, series_id id, const struct series_def *def)
{
	struct buf *out = arg;
	buf_adds(out, "  ");
	put_def(out, id, def);
	return 0;
}

static int debug_manifest(struct buf *out, struct span file, const char *path, struct diag *d)
{
	struct manifest m;
	int r = manifest_parse(&m, file, path, d);
	if (r != 0)
		return r;
	buf_printf(out,
	        "manifest, version 1: log counts from position %" PRIu64 ", next segment %016" PRIx64 ", next flush %" PRIu64
	        ", catalogue %" PRIu64 " bytes with %" PRIu32 " series, %zu segments\n",
	        m.upto, m.next_seg, m.next_flush, m.cat_bytes, m.cat_series, m.n);
	for (size_t i = 0; i < m.n; i++)
		buf_printf(out, "  seg-%016" PRIx64 " %" PRIu64 " bytes, flushes %" PRIu64 "..%" PRIu64 "\n", m.seg[i].number,
		        m.seg[i].size, m.seg[i].lo, m.seg[i].hi);
	manifest_free(&m);
	return 0;
}

int series_debug_file(struct vfs *vfs, const char *path, struct buf *out, struct diag *d)
{
	struct vfs_file *f = NULL;
	const uint8_t *m = NULL;
	uint64_t size = 0, bytes;
	struct fheader h;
	int r = vfs_open(vfs, &f, path, VFS_READ, d);
	if (r != 0)
		return r;
	r = vfs_size(f, &size);
	if (r == 0 && size < 8) {
		diag_set(d, MO_EINVAL, MSG_SERIES_NOT_OURS);
		diag_file(d, path);
		r = MO_EINVAL;
	}
	if (r == 0)
		r = f->ops->map(f, (size_t)size, &m);
	struct span file = span_of(m, (size_t)size);
	if (r == 0)
		r = fheader_check(&h, file, FILE_NONE, path, d);
	if (r == 0)
		switch (h.kind) {
		case FILE_LOG:
			debug_log(out, file, &h);
			break;
		case FILE_SEG:
			r = debug_segment(out, vfs, path, &h, d);
			break;
		case FILE_CAT:
			buf_printf(out, "catalogue, version %" PRIu32 ", %" PRIu64 " bytes\n", h.version, size);
			r = cat_load(vfs, path, UINT64_MAX, on_def, out, &bytes, d);
			break;
		default:
			r = debug_manifest(out, file, path, d);
			break;
		}
	if (m)
		f->ops->unmap(f, m, (size_t)size);
	vfs_close(f);
	series_say_os(d, r, "read", path);
	if (r == 0 && out->err)
		r = series_say_nomem(d);
	return r;
}
