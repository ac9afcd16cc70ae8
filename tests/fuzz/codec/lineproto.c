/* Any bytes as a line: what is taken lies inside the line or the parser's own memory, and reads the same a second time. */
#include <stdlib.h>

#include "base/buf.h"
#include "codec/lineproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint64_t sum(struct span s)
{
	uint64_t h = s.n;
	for (size_t i = 0; i < s.n; i++)
		h = h * 31 + s.p[i];
	return h;
}

static uint64_t digest(struct lineproto *parser, struct span line)
{
	struct lineproto_line l;
	struct diag d;
	struct buf b;
	diag_clear(&d);
	int e = lineproto_parse(parser, line, &l, &d);
	if (e) {
		if (e != MO_ENOENT && (d.err != e || d.msg == MSG_NONE))
			abort();
		return (uint64_t)(-e);
	}
	if (l.n_fields == 0 || l.measurement.n == 0)
		abort();
	uint64_t h = sum(l.series) ^ (uint64_t)l.t_ns;
	buf_init(&b, 0);
	for (size_t i = 0; i < l.n_tags; i++) {
		lineproto_unescape(&b, l.tags[i].key);
		lineproto_unescape(&b, l.tags[i].value);
	}
	for (size_t i = 0; i < l.n_fields; i++) {
		h = h * 31 + sum(l.fields[i].key) + (uint64_t)l.fields[i].type;
		h += l.fields[i].type == LP_STR ? sum(l.fields[i].str) : l.fields[i].type == LP_BOOL ? l.fields[i].b : (uint64_t)l.fields[i].i64;
	}
	h += sum(buf_span(&b));
	buf_free(&b);
	return h;
}

/* A string that goes on behind an LF ends at one, or at the end, whatever part of it has come; there it is closed. */
static void joined(struct lineproto *parser, struct span s)
{
	struct lineproto_line l;
	size_t lf = span_find(s, 0, '\n'), end = 0, part_end = 0;
	if (lf == s.n || lineproto_parse(parser, span_sub(s, 0, lf), &l, NULL) != MO_EAGAIN)
		return;
	int e = lineproto_joined(&end, s, lf, true);
	if (end <= lf || end > s.n || (e != 0 && e != MO_EINVAL))
		abort();
	if (e == 0 && ((end < s.n && s.p[end] != '\n') || lineproto_parse(parser, span_sub(s, 0, end), &l, NULL) == MO_EAGAIN))
		abort();
	for (size_t n = lf + 1; n < s.n; n += 1 + (s.n - lf) / 16) {
		int part = lineproto_joined(&part_end, span_sub(s, 0, n), lf, false);
		if (part != MO_EAGAIN && (part != e || part_end != end))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct lineproto *parser;
	if (lineproto_new(&parser, 1000))
		return 0;
	uint64_t a = digest(parser, span_of(p, n));
	if (a != digest(parser, span_of(p, n)))
		abort();
	joined(parser, span_of(p, n));
	lineproto_free(parser);
	return 0;
}
