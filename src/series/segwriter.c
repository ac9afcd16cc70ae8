/* Segments, written: one pass, blocks as they fill, directory and trailer last. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/num.h"
#include "series/priv/segment.h"

#define WRITE_BYTES (1u << 20)

struct segwriter {
	struct vfs *vfs;
	const char *dir;
	struct segwriter_info info;
	char *path, *tmp;
	struct vfs_file *f;
	bool made, finished;
	uint64_t written; /* bytes of the file before `out` */
	struct buf out, series, blocks;
	/* the block that fills */
	size_t n;
	int64_t *t, *arr;
	uint64_t *seq, *scratch;
	void *v;
	uint8_t *q;
	bool any_q;
	struct buf text;
	/* the series */
	struct sentry cur;
	uint64_t points;
};

static int os_error(struct segwriter *w, int r, const char *operation, struct diag *d)
{
	return series_say_os(d, r, operation, w->tmp);
}

static int flush(struct segwriter *w, struct diag *d)
{
	if (w->out.err)
		return series_say_nomem(d);
	int r = w->out.n ? vfs_pwrite(w->f, w->out.p, w->out.n, w->written) : 0;
	if (r == 0) {
		w->written += w->out.n;
		buf_reset(&w->out);
	}
	return os_error(w, r, "pwrite", d);
}

static void pad(struct segwriter *w)
{
	while ((w->written + w->out.n) % 8 != 0 && !w->out.err)
		buf_addc(&w->out, 0);
}

int segwriter_new(struct segwriter **ret, struct vfs *v, const char *dir, const struct segwriter_info *info, struct diag *d)
{
	size_t n = info->block_points;
	struct segwriter *w = calloc(1, sizeof *w);
	if (!w)
		return series_say_nomem(d);
	w->vfs = v;
	w->dir = dir;
	w->info = *info;
	buf_init(&w->out, 0);
	buf_init(&w->series, 0);
	buf_init(&w->blocks, 0);
	buf_init(&w->text, 0);
	w->path = fpath(dir, FILE_SEG, info->number);
	w->tmp = w->path ? fpath_suffix(w->path, ".tmp") : NULL;
	w->t = malloc(n * sizeof *w->t);
	w->arr = malloc(n * sizeof *w->arr);
	w->seq = malloc(n * sizeof *w->seq);
	w->scratch = malloc(n * sizeof *w->scratch);
	w->v = malloc(n * sizeof(struct span));
	w->q = malloc(n);
	uint8_t *h = buf_reserve(&w->out, FHEADER_BYTES);
	int r = w->tmp && w->t && w->arr && w->seq && w->scratch && w->v && w->q && h ? 0 : series_say_nomem(d);
	if (r == 0) {
		fheader_put(h, &(struct fheader){FILE_SEG, FORMAT_VERSION, 0, info->number, info->lo, info->hi, info->upto});
		w->out.n = FHEADER_BYTES;
		r = vfs_open(v, &w->f, w->tmp, VFS_WRITE | VFS_CREATE, d);
	}
	if (r == 0) {
		w->made = true;
		r = os_error(w, vfs_truncate(w->f, 0), "truncate", d);
	}
	if (r != 0) {
		segwriter_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void segwriter_begin(struct segwriter *w, uint32_t id, const struct series_def *def, uint64_t fresh)
{
	w->cur = (struct sentry){.id = id, .type = (uint8_t)def->type, .kind = (uint8_t)def->kind, .uuid = def->uuid, .fresh = fresh};
	w->cur.block = (uint32_t)(w->blocks.n / sizeof(struct bentry));
	w->n = 0;
	w->any_q = false;
	buf_reset(&w->text);
}

static void add_entry(struct segwriter *w, const struct bentry *e)
{
	struct sentry *s = &w->cur;
	if (s->blocks == 0) {
		s->t_first = e->t_first;
		s->seq_first = e->seq_first;
	}
	s->t_last = e->t_last;
	s->seq_last = e->seq_last;
	s->points += e->count;
	s->blocks++;
	buf_add(&w->blocks, span_of(e, sizeof *e));
}

static int close_block(struct segwriter *w, struct diag *d)
{
	if (w->n == 0)
		return 0;
	uint8_t type = w->cur.type;
	if (type == SERIES_STR) {
		/* Only now the texts stand still. */
		struct span *s = w->v;
		size_t at = 0;
		for (size_t i = 0; i < w->n; i++) {
			s[i].p = w->text.p ? w->text.p + at : NULL;
			at += s[i].n;
		}
	}
	struct cols c = {w->n, w->t, w->cur.kind == SERIES_SEQUENCE ? w->seq : NULL, w->v, w->any_q ? w->q : NULL, w->arr};
	struct bentry e;
	pad(w);
	uint64_t offset = w->written + w->out.n;
	block_encode(&w->out, type, &c, w->scratch, &e);
	e.offset = offset;
	if (!w->out.err)
		add_entry(w, &e);
	size_t last = w->n - 1;
	w->cur.last_quality = w->any_q ? w->q[last] : Q_GOOD;
	w->cur.last_arrival = w->arr[last];
	w->cur.last_value = 0;
	if (type != SERIES_STR)
		memcpy(&w->cur.last_value, (uint8_t *)w->v + last * value_width(type), value_width(type));
	w->n = 0;
	w->any_q = false;
	buf_reset(&w->text);
	if (w->blocks.err)
		return series_say_nomem(d);
	return w->out.n >= WRITE_BYTES || w->out.err ? flush(w, d) : 0;
}

static bool take_text(struct segwriter *w, const struct span *s, size_t n)
{
	struct span *o = (struct span *)w->v + w->n;
	for (size_t i = 0; i < n; i++) {
		buf_add(&w->text, s[i]);
		o[i] = span_of(NULL, s[i].n);
	}
	return !w->text.err;
}

int segwriter_add(struct segwriter *w, const struct cols *c, struct diag *d)
{
	uint8_t type = w->cur.type;
	size_t width = value_width(type);
	for (size_t i = 0; i < c->n;) {
		size_t k = w->info.block_points - w->n;
		if (k > c->n - i)
			k = c->n - i;
		if (type == SERIES_STR) {
			/* As many as keep the block's text within bounds, but one at least. */
			size_t bytes = w->text.n, m = 0;
			const struct span *s = (const struct span *)c->v + i;
			while (m < k && (m == 0 || bytes + s[m].n <= BLOCK_TEXT_MAX))
				bytes += s[m++].n;
			k = m;
			if (!take_text(w, s, k))
				return series_say_nomem(d);
		} else {
			memcpy((uint8_t *)w->v + w->n * width, (const uint8_t *)c->v + i * width, k * width);
		}
		memcpy(w->t + w->n, c->t + i, k * sizeof *w->t);
		memcpy(w->arr + w->n, c->arr + i, k * sizeof *w->arr);
		if (w->cur.kind == SERIES_SEQUENCE)
			memcpy(w->seq + w->n, c->seq + i, k * sizeof *w->seq);
		if (c->q) {
			if (!w->any_q)
				memset(w->q, Q_GOOD, w->n);
			w->any_q = true;
			memcpy(w->q + w->n, c->q + i, k);
		} else if (w->any_q) {
			memset(w->q + w->n, Q_GOOD, k);
		}
		w->n += k;
		i += k;
		if (w->n == w->info.block_points || w->text.n >= BLOCK_TEXT_MAX) {
			int r = close_block(w, d);
			if (r != 0)
				return r;
		}
	}
	return 0;
}

int segwriter_copy(struct segwriter *w, const struct bentry *e, struct span bytes, struct diag *d)
{
	int r = close_block(w, d);
	if (r != 0)
		return r;
	pad(w);
	struct bentry copy = *e;
	copy.offset = w->written + w->out.n;
	buf_add(&w->out, bytes);
	if (w->out.err)
		return series_say_nomem(d);
	add_entry(w, &copy);
	if (w->blocks.err)
		return series_say_nomem(d);
	return w->out.n >= WRITE_BYTES ? flush(w, d) : 0;
}

void segwriter_set_fresh(struct segwriter *w, uint64_t fresh)
{
	w->cur.fresh = fresh;
}

int segwriter_end(struct segwriter *w, struct diag *d)
{
	int r = close_block(w, d);
	if (r != 0 || w->cur.blocks == 0)
		return r;
	buf_add(&w->series, span_of(&w->cur, sizeof w->cur));
	w->points += w->cur.points;
	return w->series.err ? series_say_nomem(d) : 0;
}

uint64_t segwriter_points(const struct segwriter *w)
{
	return w->points;
}

int segwriter_finish(struct segwriter *w, struct diag *d)
{
	pad(w);
	uint64_t dir = w->written + w->out.n;
	uint32_t crc = crc32c(crc32c(0, buf_span(&w->series)), buf_span(&w->blocks));
	buf_add(&w->out, buf_span(&w->series));
	buf_add(&w->out, buf_span(&w->blocks));
	uint8_t *t = buf_reserve(&w->out, TRAILER_BYTES);
	if (!t)
		return series_say_nomem(d);
	memset(t, 0, TRAILER_BYTES);
	memcpy(t, "morusEND", 8);
	st64(t + 8, w->info.number);
	st64(t + 16, dir);
	st32(t + 24, (uint32_t)(w->series.n / sizeof(struct sentry)));
	st32(t + 28, (uint32_t)(w->blocks.n / sizeof(struct bentry)));
	st64(t + 32, w->points);
	st64(t + 40, w->written + w->out.n + TRAILER_BYTES);
	st32(t + 48, crc);
	st32(t + 60, crc32c(0, span_of(t, 60)));
	w->out.n += TRAILER_BYTES;
	int r = flush(w, d);
	if (r == 0)
		r = os_error(w, vfs_sync(w->f), "sync", d);
	if (r == 0)
		r = os_error(w, vfs_rename(w->vfs, w->tmp, w->path), "rename", d);
	if (r == 0) {
		w->finished = true;
		r = os_error(w, vfs_sync_dir(w->vfs, w->dir), "sync", d);
	}
	return r;
}

void segwriter_free(struct segwriter *w)
{
	if (!w)
		return;
	vfs_close(w->f);
	if (w->made && !w->finished) {
		int r = vfs_unlink(w->vfs, w->tmp); /* gives the space back; a .tmp is removed at the next start anyway */
		(void)r;
	}
	buf_free(&w->out);
	buf_free(&w->series);
	buf_free(&w->blocks);
	buf_free(&w->text);
	free(w->path);
	free(w->tmp);
	free(w->t);
	free(w->arr);
	free(w->seq);
	free(w->scratch);
	free(w->v);
	free(w->q);
	free(w);
}
