/* Any bytes as a write-ahead log that was left behind, or one that is made here and then hurt: looked through, it is left as it is, or a new one stands
 * in its place in which nothing is wrong any more; the old one is kept then.
 *
 * First byte even: the rest is the file. Odd: how many frames, for each its page and whether it commits, then what is hurt: offset (3 bytes), by xor. */
#include <stdlib.h>
#include <string.h>

#include "os/memvfs.h"
#include "store/priv/logmend.h"
#include "store/priv/pages.h"

#define FRAMES_MAX 12u
#define LOG "log"

static void put_be(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static size_t make(uint8_t *log, const uint8_t *data, size_t size)
{
	uint32_t s[2] = {0, 0};
	size_t n = size ? data[0] % FRAMES_MAX + 1u : 1, used = 1;
	memset(log, 0, WAL_HEADER + n * WAL_FRAME);
	put_be(log, 0x377f0682);
	put_be(log + 4, 3007000);
	put_be(log + 8, PAGE_BYTES);
	put_be(log + 16, 0x01020304);
	put_be(log + 20, 0x55667788);
	pages_log_sum(s, log, 24, false);
	put_be(log + 24, s[0]);
	put_be(log + 28, s[1]);
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = log + WAL_HEADER + i * WAL_FRAME, what = used < size ? data[used++] : 0x81;
		put_be(p, what % 64u + 1);
		put_be(p + 4, what & 0x80 ? 64 : 0);
		memcpy(p + 8, log + 16, 8);
		for (size_t k = 0; k < PAGE_BYTES; k++)
			p[WAL_FRAME_HEADER + k] = (uint8_t)(k * 31 + i * 7 + what);
		pages_log_sum(s, p, 8, false);
		pages_log_sum(s, p + WAL_FRAME_HEADER, PAGE_BYTES, false);
		put_be(p + 16, s[0]);
		put_be(p + 20, s[1]);
	}
	size_t total = WAL_HEADER + n * WAL_FRAME;
	for (; used + 4 <= size; used += 4)
		log[((size_t)data[used] | (size_t)data[used + 1] << 8 | (size_t)data[used + 2] << 16) % total] ^= data[used + 3];
	return total;
}

static void same(struct vfs *v, const char *path, const uint8_t *log, size_t n)
{
	uint8_t *p = NULL;
	size_t got = 0;
	if (vfs_slurp(v, &p, &got, path, 1u << 24, NULL) || got != n || (n && memcmp(p, log, n) != 0))
		abort();
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t made[WAL_HEADER + FRAMES_MAX * WAL_FRAME];
	const uint8_t *log = size ? data + 1 : data;
	size_t n = size ? size - 1 : 0;
	struct vfs *v = NULL;
	struct vfs_file *f = NULL;
	struct log_damage d;
	struct vfs_stat st;
	if (size && data[0] & 1u) {
		n = make(made, log, n);
		log = made;
	}
	if (memvfs_new(&v, 1) || vfs_open(v, &f, LOG, VFS_WRITE | VFS_CREATE, NULL) || (n && vfs_pwrite(f, log, n, 0)))
		abort();
	vfs_close(f);
	int err = logmend_run(&d, v, LOG);
	if (err && err != MO_ECORRUPT)
		abort();
	if (err || d.damaged)
		same(v, LOG LOG_BAD, log, n);
	if (err || !d.damaged)
		same(v, LOG, log, n);
	if (err == 0 && d.damaged) {
		if (vfs_stat(v, LOG, &st) || st.size_bytes < WAL_HEADER + WAL_FRAME || (st.size_bytes - WAL_HEADER) % WAL_FRAME || logmend_run(&d, v, LOG) || d.damaged)
			abort();
	}
	if (vfs_stat(v, LOG LOG_NEW, &st) != MO_ENOENT)
		abort();
	vfs_free(v);
	return 0;
}
