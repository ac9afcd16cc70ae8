/* json_reader: the same text whole and in pieces gives the same tokens and the same verdict. */
#include "codec/json.h"
#include "cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int drain(struct buf *out, struct json_reader *r, bool ended, bool *done)
{
	for (;;) {
		enum json_token t;
		struct span text;
		struct diag d;
		int e = json_next(r, &t, &text, &d);
		if (e) {
			if ((e != MO_EINVAL && e != MO_ELIMIT) || d.msg == MSG_NONE || d.line == 0 || d.column == 0)
				abort();
			return e;
		}
		if (t == JSON_MORE || (t == JSON_DONE && *done && ended))
			return 0;
		*done = t == JSON_DONE;
		buf_addc(out, (uint8_t)t);
		buf_add(out, text);
	}
}

static int read_all(struct buf *out, struct cut c, bool lines)
{
	struct json_reader *r;
	struct span s;
	int e = json_reader_new(&r, lines);
	bool done = false;
	buf_init(out, 0);
	if (e)
		abort();
	while (e == 0 && cut_next(&c, &s)) {
		json_feed(r, s);
		e = drain(out, r, false, &done);
	}
	if (e == 0) {
		json_end(r);
		e = drain(out, r, true, &done);
	}
	free(e ? c.piece : NULL);
	json_reader_free(r);
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	for (int lines = 0; lines < 2; lines++) {
		struct cut pieces = cut_of(p, n), whole = pieces;
		struct buf a, b;
		whole.step = SIZE_MAX;
		int e = read_all(&a, whole, lines), f = read_all(&b, pieces, lines);
		if (e != f || a.err || b.err || !span_eq(buf_span(&a), buf_span(&b)))
			abort();
		buf_free(&a);
		buf_free(&b);
	}
	return 0;
}
