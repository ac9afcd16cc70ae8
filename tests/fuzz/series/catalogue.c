/* Catalogue and manifest. First byte 0: a catalogue as it is; 1: payloads (u16 length each) that get true headers; 2: a manifest. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "os/memvfs.h"
#include "series/priv/catalogue.h"
#include "series/priv/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int on_def(void *arg, series_id id, const struct series_def *def)
{
	series_id *last = arg;
	if (id != *last + 1 || def->key.n == 0 || def->key.n > SERIES_KEY_MAX)
		abort();
	*last = id;
	return 0;
}

static void payloads(struct buf *out, const uint8_t *p, size_t n)
{
	uint8_t h[FHEADER_BYTES], seed[12];
	fheader_put(h, &(struct fheader){FILE_CAT, FORMAT_VERSION, 0, 0, 0, 0, 0});
	buf_add(out, span_of(h, sizeof h));
	while (n >= 2) {
		size_t len = ld16(p);
		len = len > n - 2 ? n - 2 : len;
		st64(seed, out->n);
		st32(seed + 8, (uint32_t)len);
		buf_u32(out, (uint32_t)len);
		buf_u32(out, crc32c(crc32c(0, span_of(seed, sizeof seed)), span_of(p + 2, len)));
		buf_add(out, span_of(p + 2, len));
		p += 2 + len;
		n -= 2 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b;
	if (n < 2 || n > 65536)
		return 0;
	buf_init(&b, 0);
	if (p[0] == 2) {
		struct manifest m;
		buf_add(&b, span_of(p + 1, n - 1));
		if (b.n >= FHEADER_BYTES + 44) {
			st32(b.p + 60, crc32c(0, span_of(b.p, 60)));
			st32(b.p + b.n - 4, crc32c(0, span_of(b.p + FHEADER_BYTES, b.n - FHEADER_BYTES - 4)));
		}
		if (manifest_parse(&m, buf_span(&b), "manifest", NULL) == 0)
			manifest_free(&m);
		buf_free(&b);
		return 0;
	}
	if (p[0] == 1)
		payloads(&b, p + 1, n - 1);
	else
		buf_add(&b, span_of(p + 1, n - 1));
	struct vfs *v;
	struct vfs_file *f;
	if (memvfs_new(&v, 1) != 0 || vfs_open(v, &f, "catalogue", VFS_WRITE | VFS_CREATE, NULL) != 0 || vfs_pwrite(f, b.p, b.n, 0) != 0)
		abort();
	vfs_close(f);
	series_id last = 0;
	uint64_t bytes = 0;
	int r = cat_load(v, "catalogue", UINT64_MAX, on_def, &last, &bytes, NULL);
	if (r == 0 && bytes > b.n)
		abort();
	last = 0;
	r = cat_load(v, "catalogue", b.n / 2 + 1, on_def, &last, &bytes, NULL);
	vfs_free(v);
	buf_free(&b);
	return 0;
}
