/* http1_parse_head: an accepted head is accepted from any longer input too,
 * wants more at every shorter one, and its spans lie inside it. */
#include "codec/http1.h"
#include "cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void inside(struct span s, const uint8_t *p, size_t n)
{
	touch(s);
	/* The path "/" of an absolute target without one is a constant. */
	if (s.p && (s.p < p || s.p + s.n > p + n) && !span_is(s, "/"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct http1_head h;
	size_t eaten = 0;
	int status = 0, e = http1_parse_head(&h, span_of(p, n), &eaten, &status);
	if (e == MO_EAGAIN) {
		if (n > HTTP1_HEAD_MAX)
			abort();
		return 0;
	}
	if (e) {
		if (status != 400 && status != 414 && status != 431 && status != 501 && status != 505)
			abort();
		return 0;
	}
	if (eaten > n || eaten > HTTP1_HEAD_MAX + 2 || (h.chunked && h.has_length) || h.path.n == 0)
		abort();
	inside(h.target, p, eaten);
	inside(h.path, p, eaten);
	inside(h.query, p, eaten);
	for (size_t i = 0; i < h.n_headers; i++) {
		inside(h.headers[i].name, p, eaten);
		inside(h.headers[i].value, p, eaten);
	}
	for (size_t k = 0; k < eaten; k++) {
		size_t less;
		if (http1_parse_head(&h, span_of(p, k), &less, &status) != MO_EAGAIN)
			abort();
	}
	return 0;
}
