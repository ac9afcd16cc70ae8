/* A segment, opened and read. First byte 0: the rest is the file as it is;
 * otherwise its checksums are set right first, as far as its offsets allow. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "os/memvfs.h"
#include "series/priv/mcur.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void mend(uint8_t *p, size_t n)
{
	if (n < FHEADER_BYTES + TRAILER_BYTES)
		return;
	uint8_t *t = p + n - TRAILER_BYTES;
	size_t at = n - TRAILER_BYTES;
	uint64_t dir = ld64(t + 16), series = ld32(t + 24), blocks = ld32(t + 28);
	st64(t + 40, n);
	if (dir < at && dir % 8 == 0 && at - dir == series * sizeof(struct sentry) + blocks * sizeof(struct bentry)) {
		for (uint64_t i = 0; i < blocks; i++) {
			uint8_t *e = p + dir + series * sizeof(struct sentry) + i * sizeof(struct bentry);
			uint64_t offset = ld64(e + 32), bytes = ld32(e + 40);
			if (offset < dir && bytes <= dir - offset)
				st32(e + 44, crc32c(0, span_of(p + offset, bytes)));
		}
		st32(t + 48, crc32c(0, span_of(p + dir, at - dir)));
	}
	st32(p + 60, crc32c(0, span_of(p, 60)));
	st32(t + 60, crc32c(0, span_of(t, 60)));
}

static void read_series(struct seg *g, const struct sentry *e, bool desc)
{
	struct series_def def = {.type = (enum series_type)e->type, .kind = (enum series_kind)e->kind};
	struct mcur m;
	struct mslice s;
	mcur_init(&m, &def, e->t_first / 2, INT64_MAX, desc, WANT_ALL);
	if (mcur_add_seg(&m, g, e) != 0)
		abort();
	for (;;) {
		int r = mcur_next(&m, false, &s, NULL);
		if (r == 0 && s.c.n == 0)
			break;
		for (size_t i = 1; r == 0 && i < s.c.n; i++)
			if (desc ? !pkey_less(cols_key(&s.c, i), cols_key(&s.c, i - 1))
			         : !pkey_less(cols_key(&s.c, i - 1), cols_key(&s.c, i)))
				abort();
	}
	mcur_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct vfs *v;
	struct vfs_file *f;
	struct seg *g;
	struct buf words;
	if (n < 2 || n > 65536)
		return 0;
	uint8_t *copy = malloc(n - 1);
	if (!copy || memvfs_new(&v, 1) != 0 || vfs_mkdir(v, "s", false) != 0)
		abort();
	memcpy(copy, p + 1, n - 1);
	if (p[0])
		mend(copy, n - 1);
	if (vfs_open(v, &f, "s/seg-0000000000000001", VFS_WRITE | VFS_CREATE, NULL) != 0 || vfs_pwrite(f, copy, n - 1, 0) != 0)
		abort();
	vfs_close(f);
	if (seg_open(&g, v, "s", 1, NULL) == 0) {
		for (uint32_t i = 0; i < g->nseries; i++) {
			read_series(g, &g->series[i], false);
			read_series(g, &g->series[i], true);
		}
		seg_unref(g);
	}
	buf_init(&words, 1u << 20);
	int r = series_debug_file(v, "s/seg-0000000000000001", &words, NULL);
	(void)r;
	buf_free(&words);
	vfs_free(v);
	free(copy);
	return 0;
}
