/* member = header, deflate stream, CRC-32, length mod 2^32; a file is one or more members (RFC 1952, 2.2). */
#include "codec/gzip.h"

#include <stdlib.h>
#include <zlib.h>

#define GZIP_WINDOW_BITS (15 + 16) /* zlib: full window, gzip header and trailer expected */

struct gunzip {
	z_stream z;
	bool inited, ended;
	bool in_member;  /* some byte of the current member was read */
	bool any_member; /* a whole member was read */
	bool more_out;   /* the last piece was full: zlib may hold more without further input */
	uint64_t limit_bytes, n_in, n_out;
	unsigned ratio_max;
	size_t left; /* of the feed, beyond what z holds */
	int err;
	enum mo_msg msg;
	int64_t arg;
	uint8_t out[GUNZIP_PIECE_BYTES];
};

/* zlib's memory through our own allocator, so that it fails when ours is made to. */
static void *z_alloc(void *opaque, unsigned n, unsigned size)
{
	(void)opaque;
	return calloc(n, size);
}

static void z_free(void *opaque, void *p)
{
	(void)opaque;
	free(p);
}

int gunzip_new(struct gunzip **ret, uint64_t limit_bytes, unsigned ratio_max)
{
	struct gunzip *g = calloc(1, sizeof(*g));
	if (!g)
		return MO_ENOMEM;
	g->z.zalloc = z_alloc;
	g->z.zfree = z_free;
	if (inflateInit2(&g->z, GZIP_WINDOW_BITS) != Z_OK) {
		gunzip_free(g);
		return MO_ENOMEM;
	}
	g->inited = true;
	g->limit_bytes = limit_bytes ? limit_bytes : UINT64_MAX;
	g->ratio_max = ratio_max;
	*ret = g;
	return 0;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	if (g->inited)
		inflateEnd(&g->z);
	free(g);
}

void gunzip_feed(struct gunzip *g, struct span bytes)
{
	g->z.next_in = (Bytef *)(uintptr_t)bytes.p;
	g->z.avail_in = 0;
	g->left = bytes.n;
}

void gunzip_end(struct gunzip *g)
{
	g->ended = true;
}

static int fail(struct gunzip *g, int err, enum mo_msg msg, uint64_t arg)
{
	g->err = err;
	g->msg = msg;
	g->arg = arg <= INT64_MAX ? (int64_t)arg : INT64_MAX;
	return err;
}

/* Runs inflate once. *ret_n: bytes of out filled. */
static int step(struct gunzip *g, size_t *ret_n)
{
	if (g->z.avail_in == 0 && g->left) { /* zlib counts in unsigned int */
		g->z.avail_in = g->left < UINT32_MAX / 2 ? (uInt)g->left : UINT32_MAX / 2;
		g->left -= g->z.avail_in;
	}
	if (g->z.avail_in == 0 && !g->more_out) {
		if (!g->ended)
			return MO_EAGAIN;
		return g->any_member && !g->in_member ? MO_ENOENT : fail(g, MO_EINVAL, MSG_GZIP_CUT_OFF, g->n_in);
	}
	/* One byte past the limit is asked for, so that reaching it exactly is no error. */
	uint64_t room = g->limit_bytes - g->n_out;
	g->z.next_out = g->out;
	g->z.avail_out = room < GUNZIP_PIECE_BYTES ? (uInt)room + 1 : GUNZIP_PIECE_BYTES;
	uInt asked = g->z.avail_out, had = g->z.avail_in;
	g->in_member |= had > 0;
	int z = inflate(&g->z, Z_NO_FLUSH);
	size_t n = asked - g->z.avail_out;
	g->more_out = g->z.avail_out == 0 && z != Z_STREAM_END;
	g->n_in += had - g->z.avail_in;
	g->n_out += n;
	if (g->n_out > g->limit_bytes)
		return fail(g, MO_ELIMIT, MSG_GZIP_TOO_LARGE, g->limit_bytes);
	if (g->ratio_max && g->n_out > GUNZIP_RATIO_FREE && g->n_out / g->ratio_max > g->n_in)
		return fail(g, MO_ELIMIT, MSG_GZIP_RATIO, g->ratio_max);
	if (z == Z_STREAM_END) {
		g->in_member = false;
		g->any_member = true;
		if (inflateReset(&g->z) != Z_OK)
			return fail(g, MO_EBUG, MSG_GZIP_DAMAGED, g->n_in);
	} else if (z == Z_MEM_ERROR) {
		return fail(g, MO_ENOMEM, MSG_OUT_OF_MEMORY, 0);
	} else if (z != Z_OK && z != Z_BUF_ERROR) {
		return fail(g, MO_EINVAL, MSG_GZIP_DAMAGED, g->n_in);
	}
	*ret_n = n;
	return 0;
}

int gunzip_next(struct gunzip *g, struct span *ret, struct diag *d)
{
	size_t n = 0;
	int e = g->err;
	while (e == 0 && n == 0)
		e = step(g, &n);
	if (e == 0)
		*ret = span_of(g->out, n);
	if (g->err) {
		diag_set(d, g->err, g->msg);
		diag_int(d, 0, g->arg);
	}
	return e;
}
