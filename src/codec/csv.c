/* A text is records; a record is fields between delimiters, up to LF, CR LF or
 * CR; a field that begins with '"' ends at the next single '"', and '""' in it
 * stands for one (RFC 4180, 2). A quote elsewhere is an ordinary character.
 *
 * The reader looks at a view: the bytes fed, or the carry, into which a record
 * cut by the end of a feed is moved and completed. Fields are spans into the
 * view; only those with '""' are copied, when the record is whole.
 *
 *   BEGIN --csv_next--> SCAN --line end--> FINISH --given--> BEGIN
 *                        |--refused--> SKIP --line end--> BEGIN
 *                        `--refused, and the record spans lines--> BEGIN at its second line
 *
 * Giving up a quote goes back to the record's first line end. So that hostile
 * text isn't read again and again, quotes opening before the place reached in
 * that attempt must close on their own line: every byte is seen at most twice. */
#include "codec/csv.h"

#include <stdlib.h>

#include "codec/priv/scan.h"

#define CARRY_STEP 4096u /* bytes moved into the carry at a time */

enum csv_phase { CSV_BEGIN, CSV_SCAN, CSV_FINISH, CSV_SKIP };
enum { FIELD_PLAIN, FIELD_QUOTED, FIELD_ESCAPED };

struct csv_reader {
	uint8_t delimiter;
	bool ended, skip_lf, in_carry;
	enum csv_phase phase;

	struct span feed;
	size_t feed_pos; /* bytes of feed that were moved into the carry */
	uint8_t *carry;
	size_t carry_cap;
	size_t carry_fed; /* last bytes of the carry that also stand before feed_pos */

	const uint8_t *p; /* the view */
	size_t n;
	uint64_t view_offset; /* of p[0] in the text */

	/* All in bytes of the view. */
	size_t rec, field, at;
	size_t next_line; /* after the first line end inside the record's quotes; 0: none */
	bool open;        /* inside quotes, field is at the opening one */
	bool escaped;
	uint64_t reached; /* in the text */
	uint64_t line, inner_lines;

	size_t block, block_end; /* of the masks; block_end 0: none loaded */
	uint64_t delim, quote, eol;

	size_t n_fields, n_escaped;
	size_t quoted_top; /* quoted[] is zero from here on */
	uint8_t *scratch;
	size_t scratch_cap;
	struct span fields[CSV_FIELDS_MAX + SCAN_BLOCK]; /* a block may overshoot before it is refused */
	uint8_t quoted[CSV_FIELDS_MAX];
};

int csv_reader_new(struct csv_reader **ret, char delimiter)
{
	if (delimiter != ',' && delimiter != ';' && delimiter != '\t' && delimiter != '|')
		return MO_EINVAL;
	struct csv_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return MO_ENOMEM;
	r->delimiter = (uint8_t)delimiter;
	r->line = 1;
	*ret = r;
	return 0;
}

void csv_reader_free(struct csv_reader *r)
{
	if (!r)
		return;
	free(r->carry);
	free(r->scratch);
	free(r);
}

static void view_feed(struct csv_reader *r, size_t at)
{
	r->in_carry = false;
	r->p = r->feed.n ? r->feed.p : (const uint8_t *)"";
	r->n = r->feed.n;
	r->feed_pos = r->feed.n;
	r->rec = r->field = r->at = at;
	r->block_end = 0;
}

void csv_feed(struct csv_reader *r, struct span bytes)
{
	r->feed = bytes;
	r->carry_fed = 0;
	r->feed_pos = 0;
	if (!r->in_carry) {
		r->view_offset += r->n;
		view_feed(r, 0);
	}
}

void csv_end(struct csv_reader *r)
{
	r->ended = true;
}

/* Moves the view's bytes from rec on to the carry, and further feed behind them. MO_EAGAIN: all there is stands in the view already. */
static int refill(struct csv_reader *r)
{
	size_t keep = r->n - r->rec;
	size_t more = r->in_carry ? r->feed.n - r->feed_pos : 0;
	if (more > CARRY_STEP)
		more = CARRY_STEP;
	if (keep == 0 && !r->in_carry)
		return MO_EAGAIN;
	if (r->in_carry && more == 0)
		return MO_EAGAIN;
	size_t need = keep + more;
	uint8_t *to = r->carry;
	if (need > r->carry_cap) {
		/* Scanning stops once a record is over CSV_RECORD_MAX, so this stays within twice that. */
		size_t cap = need > SIZE_MAX / 2 ? need : need * 2;
		to = malloc(cap);
		if (!to)
			return MO_ENOMEM;
		r->carry_cap = cap;
	}
	for (size_t i = 0; i < r->n_fields; i++)
		r->fields[i].p = to + ((size_t)(r->fields[i].p - r->p) - r->rec);
	if (keep)
		memmove(to, r->p + r->rec, keep);
	if (to != r->carry) {
		free(r->carry);
		r->carry = to;
	}
	if (more) {
		memcpy(to + keep, r->feed.p + r->feed_pos, more);
		r->feed_pos += more;
		r->carry_fed += more;
	}
	if (!r->in_carry)
		r->carry_fed = 0; /* what was fed is kept here alone from now on */
	r->in_carry = true;
	r->view_offset += r->rec;
	r->field -= r->rec;
	r->at -= r->rec;
	if (r->next_line)
		r->next_line -= r->rec;
	r->rec = 0;
	r->p = to;
	r->n = need;
	r->block_end = 0;
	return more ? 0 : MO_EAGAIN;
}

static void load_block(struct csv_reader *r)
{
	uint8_t tail[SCAN_BLOCK];
	const uint8_t *p = r->p + r->at;
	size_t left = r->n - r->at;
	if (left < SCAN_BLOCK) {
		memset(tail, 0, sizeof(tail));
		memcpy(tail, p, left);
		p = tail;
	} else {
		left = SCAN_BLOCK;
	}
	const scan_v d = scan_splat(r->delimiter), q = scan_splat('"'), lf = scan_splat('\n'), cr = scan_splat('\r');
	uint64_t delim = 0, quote = 0, eol = 0;
	for (unsigned i = 0; i < SCAN_BLOCK; i += 16) {
		scan_v v = scan_load(p + i);
		delim |= scan_bits(scan_eq(v, d)) << i;
		quote |= scan_bits(scan_eq(v, q)) << i;
		eol |= scan_bits(scan_eq(v, lf) | scan_eq(v, cr)) << i;
	}
	r->delim = delim;
	r->quote = quote;
	r->eol = eol;
	r->block = r->at;
	r->block_end = r->at + left;
}

/* Forgets the masks' answers below view position `to`. */
static void drop_block(struct csv_reader *r, size_t to)
{
	if (to >= r->block_end) {
		r->block_end = 0;
		return;
	}
	uint64_t keep = ~UINT64_C(0) << (to - r->block);
	r->delim &= keep;
	r->quote &= keep;
	r->eol &= keep;
}

/* The view position after the line end at e; a CR at the view's end leaves its LF to be skipped. */
static size_t after_eol(struct csv_reader *r, size_t e)
{
	if (r->p[e] == '\n')
		return e + 1;
	if (e + 1 < r->n)
		return e + (r->p[e + 1] == '\n' ? 2 : 1);
	r->skip_lf = true;
	return e + 1;
}

/* The record is refused for what was found at view position `at`. */
static int refuse(struct csv_reader *r, size_t at, int err, enum mo_msg msg, struct diag *d)
{
	diag_set(d, err, msg);
	diag_line(d, r->line, 0);
	diag_int(d, 0, (int64_t)r->n_fields + 1);
	if (!r->next_line && r->open) {
		size_t e = scan_eol(r->p, r->field, at);
		if (e < at)
			r->next_line = after_eol(r, e);
	}
	if (r->next_line) {
		if (r->view_offset + at > r->reached)
			r->reached = r->view_offset + at;
		r->at = r->next_line;
		r->line++;
		r->phase = CSV_BEGIN;
	} else {
		r->at = at;
		r->phase = CSV_SKIP;
	}
	r->rec = r->field = r->at;
	r->open = false;
	r->next_line = 0;
	r->n_fields = 0;
	r->block_end = 0;
	return err;
}

static int refuse_fields(struct csv_reader *r, size_t at, struct diag *d)
{
	int err = refuse(r, at, MO_ELIMIT, MSG_CSV_TOO_MANY_FIELDS, d);
	diag_int(d, 0, CSV_FIELDS_MAX);
	return err;
}

static int refuse_length(struct csv_reader *r, size_t at, struct diag *d)
{
	int err = refuse(r, at, MO_ELIMIT, MSG_CSV_RECORD_TOO_LONG, d);
	diag_int(d, 0, CSV_RECORD_MAX >> 20);
	return err;
}

static void add_field(struct csv_reader *r, size_t from, size_t to)
{
	r->fields[r->n_fields++] = span_of(r->p + from, to - from);
}

/* The record's line end stands at view position e, all fields are there. */
static int end_record(struct csv_reader *r, size_t e, struct diag *d)
{
	if (e - r->rec > CSV_RECORD_MAX)
		return refuse_length(r, e, d);
	if (r->n_fields == 1 && e == r->rec)
		r->n_fields = 0; /* a blank line */
	r->at = e < r->n ? after_eol(r, e) : e;
	drop_block(r, r->at);
	r->phase = CSV_FINISH;
	return 0;
}

/* Line ends within a quoted field, which stands whole in the view. */
static void count_inner(struct csv_reader *r, size_t from, size_t to)
{
	for (size_t e = scan_eol(r->p, from, to); e < to; e = scan_eol(r->p, e, to)) {
		e += r->p[e] == '\r' && r->p[e + 1] == '\n' ? 2 : 1; /* p[to] is the closing quote */
		if (!r->next_line)
			r->next_line = e;
		r->inner_lines++;
	}
}

static size_t find_quote(struct csv_reader *r, size_t stop)
{
	if (r->at < r->block_end && r->at >= r->block) {
		uint64_t m = r->quote & ~UINT64_C(0) << (r->at - r->block);
		if (m) {
			size_t q = r->block + (size_t)__builtin_ctzll(m);
			return q < stop ? q : stop;
		}
		if (r->block_end >= stop)
			return stop;
		r->at = r->block_end;
	}
	const uint8_t *q = r->at < stop ? memchr(r->p + r->at, '"', stop - r->at) : NULL;
	return q ? (size_t)(q - r->p) : stop;
}

/* From inside quotes to the field after it. 0: the record ended; 1: the next field begins. */
static int scan_quoted(struct csv_reader *r, struct diag *d)
{
	for (;;) {
		size_t stop = r->n, most = r->rec + CSV_RECORD_MAX + 1;
		bool too_long = stop > most;
		if (too_long)
			stop = most;
		if (r->view_offset + r->field < r->reached) {
			size_t e = scan_eol(r->p, r->at, stop);
			if (e < stop) {
				stop = e;
				too_long = true;
			}
		}
		size_t q = r->at < stop ? find_quote(r, stop) : stop;
		if (q == stop) {
			r->at = stop;
			if (too_long)
				return refuse(
				        r, r->p[stop] == '\n' || r->p[stop] == '\r' ? stop + 1 : stop, MO_EINVAL, MSG_CSV_QUOTE_OPEN, d);
			return MO_EAGAIN;
		}
		r->at = q;
		if (q + 1 == r->n && !(r->ended && r->feed_pos == r->feed.n))
			return MO_EAGAIN;
		if (q + 1 < r->n && r->p[q + 1] == '"') {
			r->at = q + 2;
			r->escaped = true;
			continue;
		}
		bool in_block = r->field >= r->block && q < r->block_end;
		uint64_t between = in_block ? (~UINT64_C(0) << (r->field - r->block)) & ((UINT64_C(1) << (q - r->block)) - 1) : 0;
		if (!in_block || (r->eol & between))
			count_inner(r, r->field + 1, q);
		uint8_t c = q + 1 < r->n ? r->p[q + 1] : '\n';
		if (c != r->delimiter && c != '\n' && c != '\r')
			return refuse(r, q, MO_EINVAL, MSG_CSV_AFTER_QUOTE, d);
		if (r->n_fields + (c == r->delimiter) == CSV_FIELDS_MAX)
			return refuse_fields(r, q, d);
		r->quoted[r->n_fields] = r->escaped ? FIELD_ESCAPED : FIELD_QUOTED;
		r->n_escaped += r->escaped;
		add_field(r, r->field + 1, q);
		r->quoted_top = r->n_fields;
		r->open = r->escaped = false;
		if (c == r->delimiter) {
			r->field = r->at = q + 2;
			drop_block(r, r->at);
			return 1;
		}
		return end_record(r, q + 1, d);
	}
}

static int scan_record(struct csv_reader *r, struct diag *d)
{
	if (r->open) {
		int e = scan_quoted(r, d);
		if (e <= 0)
			return e;
	}
	for (;;) {
		if (r->at >= r->block_end) {
			if (r->at >= r->n)
				return MO_EAGAIN;
			if (r->at - r->rec > CSV_RECORD_MAX)
				return refuse_length(r, r->at, d);
			load_block(r);
		}
		uint64_t special = r->quote | r->eol;
		uint64_t m = r->delim & (special - 1) & ~special; /* delimiters before the first of the others */
		if (m) {
			struct span *f = r->fields + r->n_fields;
			const uint8_t *from = r->p + r->field, *base = r->p + r->block;
			do {
				const uint8_t *to = base + __builtin_ctzll(m);
				*f++ = (struct span){from, (size_t)(to - from)};
				from = to + 1;
				m &= m - 1;
			} while (m);
			r->field = (size_t)(from - r->p);
			r->n_fields = (size_t)(f - r->fields);
			if (r->n_fields >= CSV_FIELDS_MAX) /* one more follows the last delimiter */
				return refuse_fields(r, r->field, d);
		}
		if (!special) {
			r->at = r->block_end;
			r->block_end = 0;
			continue;
		}
		unsigned i = (unsigned)__builtin_ctzll(special);
		size_t pos = r->block + i;
		uint64_t bit = UINT64_C(1) << i;
		if (r->quote & bit) {
			uint64_t keep = ~(bit | (bit - 1));
			r->delim &= keep;
			r->quote &= keep;
			if (pos != r->field)
				continue; /* an ordinary character */
			r->open = true;
			r->at = pos + 1;
			int e = scan_quoted(r, d);
			if (e <= 0)
				return e;
			continue;
		}
		add_field(r, r->field, pos);
		return end_record(r, pos, d);
	}
}

static int skip_line(struct csv_reader *r)
{
	size_t e = scan_eol(r->p, r->at, r->n);
	r->rec = r->field = r->at = e;
	r->block_end = 0;
	if (e == r->n)
		return MO_EAGAIN;
	r->at = after_eol(r, e);
	r->line++;
	r->phase = CSV_BEGIN;
	return 0;
}

/* Nothing follows and the view is used up. */
static int at_end(struct csv_reader *r, struct diag *d)
{
	if (r->phase == CSV_SKIP || (r->at == r->rec && r->n_fields == 0 && !r->open)) {
		r->rec = r->n;
		return MO_ENOENT;
	}
	if (r->open)
		return refuse(r, r->n, MO_EINVAL, MSG_CSV_QUOTE_OPEN, d);
	add_field(r, r->field, r->n);
	return end_record(r, r->n, d);
}

static void begin(struct csv_reader *r)
{
	size_t left = r->n - r->at;
	if (r->in_carry && left <= r->carry_fed) { /* the rest stands in the feed too: leave the carry */
		r->view_offset += r->at;
		size_t at = r->feed_pos - left;
		r->view_offset -= at;
		view_feed(r, at);
		r->carry_fed = 0;
	}
	if (r->skip_lf && r->at < r->n) {
		if (r->p[r->at] == '\n') {
			r->at++;
			r->block_end = 0;
		}
		r->skip_lf = false;
	}
	memset(r->quoted, FIELD_PLAIN, r->quoted_top);
	r->quoted_top = 0;
	r->rec = r->field = r->at;
	r->n_fields = r->n_escaped = 0;
	r->next_line = 0;
	r->inner_lines = 0;
	r->open = r->escaped = false;
	r->phase = r->skip_lf ? CSV_BEGIN : CSV_SCAN; /* whether the next byte is that LF is not known yet */
}

static int unescape(struct csv_reader *r)
{
	size_t need = 0;
	for (size_t i = 0; i < r->n_fields; i++)
		if (r->quoted[i] == FIELD_ESCAPED)
			need += r->fields[i].n;
	if (need > r->scratch_cap) { /* at most CSV_RECORD_MAX */
		uint8_t *p = malloc(need * 2);
		if (!p)
			return MO_ENOMEM;
		free(r->scratch);
		r->scratch = p;
		r->scratch_cap = need * 2;
	}
	uint8_t *to = r->scratch;
	for (size_t i = 0; i < r->n_fields; i++) {
		if (r->quoted[i] != FIELD_ESCAPED)
			continue;
		struct span s = r->fields[i];
		uint8_t *first = to;
		for (size_t k = 0; k < s.n; k++) {
			*to++ = s.p[k];
			k += s.p[k] == '"';
		}
		r->fields[i] = span_of(first, (size_t)(to - first));
		r->quoted[i] = FIELD_QUOTED;
	}
	r->n_escaped = 0;
	return 0;
}

int csv_next(struct csv_reader *r, struct csv_record *ret, struct diag *d)
{
	while (r->phase != CSV_FINISH) {
		if (r->phase == CSV_BEGIN)
			begin(r);
		int e = r->phase == CSV_SKIP ? skip_line(r) : scan_record(r, d);
		if (e == MO_EAGAIN) {
			e = refill(r);
			if (e == MO_EAGAIN)
				r->carry_fed = 0; /* the feed goes back to its owner */
			if (e == MO_EAGAIN && r->ended)
				e = at_end(r, d);
		}
		if (e)
			return e;
	}
	if (r->n_escaped) {
		int e = unescape(r);
		if (e)
			return e;
	}
	ret->fields = r->fields;
	ret->quoted = r->quoted;
	ret->n = r->n_fields;
	ret->line = r->line;
	ret->offset = r->view_offset + r->rec;
	r->line += 1 + r->inner_lines;
	r->phase = CSV_BEGIN;
	return 0;
}
