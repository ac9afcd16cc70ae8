/* Log replay. First byte 0: the rest is a log file as it is. Otherwise the rest
 * is cut into records (type u8, length u16, payload) that get true headers and
 * checksums, so that what lies behind the checksum is reached. */
#include <stdlib.h>

#include "os/memvfs.h"
#include "series/priv/walcrc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void put(struct vfs *v, const char *path, struct span s)
{
	struct vfs_file *f;
	if (vfs_open(v, &f, path, VFS_WRITE | VFS_CREATE, NULL) != 0 || vfs_pwrite(f, s.p, s.n, 0) != 0 || vfs_sync(f) != 0)
		abort();
	vfs_close(f);
}

static void records(struct buf *out, const uint8_t *p, size_t n)
{
	uint8_t h[FHEADER_BYTES];
	fheader_put(h, &(struct fheader){FILE_LOG, FORMAT_VERSION, FLAG_LOG_FIRST, 1, 0, 0, 0});
	buf_add(out, span_of(h, sizeof h));
	while (n >= 3) {
		size_t len = ld16(p + 1);
		len = len > n - 3 ? n - 3 : len;
		uint8_t *rec = calloc(1, WAL_RECORD_HEAD + len + 8);
		if (!rec)
			abort();
		st32(rec, (uint32_t)len);
		st32(rec + 8, 1);
		rec[12] = p[0];
		if (len)
			memcpy(rec + WAL_RECORD_HEAD, p + 3, len);
		st32(rec + 4, wal_crc(1, out->n, rec, len));
		buf_add(out, span_of(rec, WAL_RECORD_HEAD + ((len + 7) & ~(size_t)7)));
		free(rec);
		p += 3 + len;
		n -= 3 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct vfs *v;
	struct sdb *db;
	struct sdb_recovery rec;
	struct buf file, words;
	uint64_t files;
	if (n < 1 || n > 65536)
		return 0;
	buf_init(&file, 0);
	buf_init(&words, 1u << 20);
	if (p[0] == 0)
		buf_add(&file, span_of(p + 1, n - 1));
	else
		records(&file, p + 1, n - 1);
	if (file.err || memvfs_new(&v, 1) != 0 || vfs_mkdir(v, "s", false) != 0)
		abort();
	put(v, "s/log-0000000000000001", buf_span(&file));
	int r = sdb_check(v, "s", NULL, NULL, &files);
	r = series_debug_file(v, "s/log-0000000000000001", &words, NULL);
	r = sdb_open(&db, v, "s", &(struct sdb_options){.log_file_bytes = 4096, .block_points = 8}, &rec, NULL);
	if (r == 0) {
		for (series_id id = 1; id <= sdb_max_id(db); id++) {
			struct sdb_cursor *c;
			struct sdb_batch b;
			if (sdb_read(db, &c, id, &(struct sdb_range){INT64_MIN, INT64_MAX, id & 1, true}, NULL) != 0)
				abort();
			do
				r = sdb_next(c, &b, NULL);
			while (r == 0 && b.n > 0);
			sdb_cursor_close(c);
		}
		r = sdb_maintain(db, true, NULL);
		sdb_close(db);
	}
	buf_free(&file);
	buf_free(&words);
	vfs_free(v);
	return 0;
}
