/* gunzip: within its limit, ends, and gives the same whole and in pieces as far as both go. */
#include "base/buf.h"
#include "codec/gzip.h"
#include "cut.h"

#define LIMIT (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int drain(struct buf *out, struct gunzip *g)
{
	for (;;) {
		struct span s;
		struct diag d;
		int e = gunzip_next(g, &s, &d);
		if (e)
			return e;
		if (s.n == 0 || s.n > GUNZIP_PIECE_BYTES)
			abort();
		buf_add(out, s);
	}
}

static int unpack(struct buf *out, struct cut c)
{
	struct gunzip *g;
	struct span s;
	int e = MO_EAGAIN;
	buf_init(out, 0);
	if (gunzip_new(&g, LIMIT, 500))
		abort();
	while (cut_next(&c, &s)) {
		if (e != MO_EAGAIN)
			continue;
		gunzip_feed(g, s);
		e = drain(out, g);
	}
	if (e == MO_EAGAIN) {
		gunzip_end(g);
		e = drain(out, g);
	}
	gunzip_free(g);
	if (out->n > LIMIT || (e != MO_ENOENT && e != MO_EINVAL && e != MO_ELIMIT))
		abort();
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cut pieces = cut_of(p, n), whole = pieces;
	struct buf a, b;
	whole.step = SIZE_MAX;
	int e = unpack(&a, whole), f = unpack(&b, pieces);
	size_t common = a.n < b.n ? a.n : b.n;
	if ((e == MO_ENOENT) != (f == MO_ENOENT) || (e == MO_ENOENT && a.n != b.n) || !span_eq(span_of(a.p, common), span_of(b.p, common)))
		abort();
	buf_free(&a);
	buf_free(&b);
	return 0;
}
