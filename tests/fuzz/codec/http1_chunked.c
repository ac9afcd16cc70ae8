/* http1_chunked_next: the same body and the same verdict whole and in pieces. */
#include "base/buf.h"
#include "codec/http1.h"
#include "cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int unchunk(struct buf *out, struct cut c, size_t *ret_eaten, bool *ret_done)
{
	struct http1_chunked ch;
	struct span s;
	int e = 0;
	http1_chunked_init(&ch);
	buf_init(out, 0);
	*ret_eaten = 0;
	*ret_done = false;
	while (cut_next(&c, &s)) {
		while (e == 0 && s.n && !*ret_done) {
			size_t eaten;
			struct span data;
			e = http1_chunked_next(&ch, s, &eaten, &data, ret_done);
			if (e)
				break;
			if (eaten > s.n || eaten == 0)
				abort();
			buf_add(out, data);
			s = span_sub(s, eaten, s.n);
			*ret_eaten += eaten;
		}
	}
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cut pieces = cut_of(p, n), whole = pieces;
	struct buf a, b;
	size_t eaten_a, eaten_b;
	bool done_a, done_b;
	whole.step = SIZE_MAX;
	int e = unchunk(&a, whole, &eaten_a, &done_a), f = unchunk(&b, pieces, &eaten_b, &done_b);
	if (e != f || done_a != done_b || !span_eq(buf_span(&a), buf_span(&b)) || (e == 0 && eaten_a != eaten_b))
		abort();
	buf_free(&a);
	buf_free(&b);
	return 0;
}
