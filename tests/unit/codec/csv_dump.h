/* A CSV text read in pieces and written down: fields in <>, quoted ones in "",
 * records as line@offset, refusals as !code. */
#ifndef MO_TESTS_CSV_DUMP_H
#define MO_TESTS_CSV_DUMP_H

#include <stdlib.h>

#include "base/buf.h"
#include "codec/csv.h"

/* Everything up to MO_EAGAIN or MO_ENOENT; another failure than a refusal is given. */
static inline int csv_dump_some(struct buf *out, struct csv_reader *r)
{
	for (;;) {
		struct csv_record rec;
		struct diag d;
		int e = csv_next(r, &rec, &d);
		if (e == MO_EAGAIN || e == MO_ENOENT)
			return e;
		if (e == MO_EINVAL || e == MO_ELIMIT) {
			buf_printf(out, "!%d line %d\n", e, (int)d.line);
			continue;
		}
		if (e)
			return e;
		buf_printf(out, "%d@%d:", (int)rec.line, (int)rec.offset);
		for (size_t i = 0; i < rec.n; i++) {
			buf_addc(out, rec.quoted[i] ? '"' : '<');
			buf_add(out, rec.fields[i]);
			buf_addc(out, rec.quoted[i] ? '"' : '>');
		}
		buf_addc(out, '\n');
	}
}

/* Feeds pieces cut at the n_cuts ascending positions; each piece is a copy of its own that is gone after use. */
static inline int csv_dump(struct buf *out, struct span text, char delimiter, const size_t *cuts, size_t n_cuts)
{
	struct csv_reader *r = NULL;
	size_t from = 0;
	int e = csv_reader_new(&r, delimiter);
	for (size_t i = 0; i <= n_cuts && (e == 0 || e == MO_EAGAIN); i++) {
		size_t to = i < n_cuts ? cuts[i] : text.n;
		uint8_t *piece = malloc(to - from + 1);
		if (!piece) {
			e = MO_ENOMEM;
			break;
		}
		if (to > from)
			memcpy(piece, text.p + from, to - from);
		csv_feed(r, span_of(piece, to - from));
		e = csv_dump_some(out, r);
		memset(piece, '#', to - from);
		free(piece);
		from = to;
	}
	if (e == MO_EAGAIN) {
		csv_end(r);
		e = csv_dump_some(out, r);
	}
	csv_reader_free(r);
	return e == MO_ENOENT ? out->err : e;
}

#endif
