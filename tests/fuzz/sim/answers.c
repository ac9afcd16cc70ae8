/* HTTP answers and the JSON in them, from whatever listens there. */
#include <stdint.h>
#include <stdlib.h>

#include "sim/http_send.h"
#include "sim/peek.h"

static void element(void *arg, struct span e)
{
	struct span v;
	(void)arg;
	(void)peek(&v, e, "status.values");
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct http_reply r = {0};
	struct buf joined;
	struct span v;
	buf_init(&joined, 1 << 20);
	long end = http_reply_parse(&r, span_of(p, n), &joined);
	if (end > (long)n)
		abort();
	struct span json = end > 0 ? r.body : span_of(p, n);
	if (peek(&v, json, "clock.now") && v.n > json.n)
		abort();
	(void)peek_each(json, "items", element, NULL);
	buf_free(&joined);
	return 0;
}
