/* csv_reader: the same text whole and in pieces gives the same records; the
 * first byte's low bits choose the delimiter. */
#include "base/buf.h"
#include "codec/csv.h"
#include "cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int drain(struct buf *out, struct csv_reader *r)
{
	for (;;) {
		struct csv_record rec;
		struct diag d;
		int e = csv_next(r, &rec, &d);
		if (e == MO_EAGAIN || e == MO_ENOENT)
			return e;
		if (e != 0 && e != MO_EINVAL && e != MO_ELIMIT)
			abort();
		buf_printf(out, "%d@%llu", e, e ? (unsigned long long)d.line : (unsigned long long)(rec.line + (rec.offset << 20)));
		for (size_t i = 0; e == 0 && i < rec.n; i++) {
			buf_addc(out, rec.quoted[i] ? 1 : 2);
			buf_add(out, rec.fields[i]);
		}
		buf_addc(out, 0);
	}
}

static void read_all(struct buf *out, struct cut c, char delimiter)
{
	struct csv_reader *r;
	struct span s;
	buf_init(out, 0);
	if (csv_reader_new(&r, delimiter))
		abort();
	while (cut_next(&c, &s)) {
		csv_feed(r, s);
		if (drain(out, r) != MO_EAGAIN)
			abort();
	}
	csv_end(r);
	if (drain(out, r) != MO_ENOENT)
		abort();
	csv_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cut pieces = cut_of(p, n), whole = pieces;
	struct buf a, b;
	char delimiter = ",;\t|"[n ? p[0] & 3 : 0];
	whole.step = SIZE_MAX;
	read_all(&a, whole, delimiter);
	read_all(&b, pieces, delimiter);
	if (a.err || b.err || !span_eq(buf_span(&a), buf_span(&b)))
		abort();
	buf_free(&a);
	buf_free(&b);
	(void)csv_guess_delimiter(span_of(p, n));
	return 0;
}
