/* Manifest: header, 40 bytes of numbers, 40 bytes a segment, checksum; replaced as a whole. */
#include "series/priv/manifest.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/crc32c.h"

#define BODY 40u /* fixed part behind the header */

void manifest_free(struct manifest *m)
{
	free(m->seg);
	*m = (struct manifest){0};
}

int manifest_parse(struct manifest *ret, struct span s, const char *path, struct diag *d)
{
	struct fheader h;
	int r = fheader_check(&h, s, FILE_MAN, path, d);
	if (r != 0)
		return r;
	if (s.n < FHEADER_BYTES + BODY + 4)
		return series_say_corrupt(d, path, "size", s.n);
	const uint8_t *p = s.p + FHEADER_BYTES;
	uint32_t n = ld32(p + 36);
	if (n > MANIFEST_SEGS_MAX || s.n != FHEADER_BYTES + BODY + (size_t)n * MANIFEST_ENTRY + 4)
		return series_say_corrupt(d, path, "size", s.n);
	if (ld32(s.p + s.n - 4) != crc32c(0, span_of(p, s.n - FHEADER_BYTES - 4)))
		return series_say_corrupt(d, path, "checksum", FHEADER_BYTES);
	struct manifest m = {ld64(p), ld64(p + 8), ld64(p + 16), ld64(p + 24), ld32(p + 32), n, NULL};
	m.seg = calloc(n ? n : 1, sizeof *m.seg);
	if (!m.seg)
		return series_say_nomem(d);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *e = p + BODY + i * MANIFEST_ENTRY;
		m.seg[i] = (struct manifest_seg){ld64(e), ld64(e + 8), ld64(e + 16), ld64(e + 24), ld32(e + 32)};
		if (m.seg[i].lo > m.seg[i].hi || (i > 0 && m.seg[i].lo <= m.seg[i - 1].hi)) {
			manifest_free(&m);
			return series_say_corrupt(d, path, "segment", (uint64_t)(e - s.p));
		}
	}
	*ret = m;
	return 0;
}

int manifest_read(struct manifest *ret, struct vfs *v, const char *path, struct diag *d)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int r = vfs_slurp(v, &p, &n, path, FHEADER_BYTES + BODY + 4 + (size_t)MANIFEST_SEGS_MAX * MANIFEST_ENTRY, d);
	if (r == MO_ELIMIT)
		r = series_say_corrupt(d, path, "size", 0);
	if (r != 0)
		return r;
	r = manifest_parse(ret, span_of(p, n), path, d);
	free(p);
	return r;
}

int manifest_write(const struct manifest *m, struct vfs *v, const char *path, struct diag *d)
{
	struct buf b;
	buf_init(&b, 0);
	uint8_t *h = buf_reserve(&b, FHEADER_BYTES);
	if (h) {
		fheader_put(h, &(struct fheader){FILE_MAN, FORMAT_VERSION, 0, 0, 0, 0, 0});
		b.n = FHEADER_BYTES;
	}
	buf_u64(&b, m->upto);
	buf_u64(&b, m->next_seg);
	buf_u64(&b, m->next_flush);
	buf_u64(&b, m->cat_bytes);
	buf_u32(&b, m->cat_series);
	buf_u32(&b, (uint32_t)m->n);
	for (size_t i = 0; i < m->n; i++) {
		buf_u64(&b, m->seg[i].number);
		buf_u64(&b, m->seg[i].size);
		buf_u64(&b, m->seg[i].lo);
		buf_u64(&b, m->seg[i].hi);
		buf_u32(&b, m->seg[i].dir_crc);
		buf_u32(&b, 0);
	}
	if (!b.err)
		buf_u32(&b, crc32c(0, span_of(b.p + FHEADER_BYTES, b.n - FHEADER_BYTES)));
	int r = b.err ? series_say_nomem(d) : vfs_replace(v, path, buf_span(&b), false, d);
	buf_free(&b);
	return r;
}
