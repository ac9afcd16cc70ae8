/* Whether the search index holds just what the indexed texts give.
 *
 * FTS5 has a command of its own for that ('integrity-check'), but it wants to
 * be the writer, which a check beside a running node must not. So both sides
 * are counted here from reading alone: of each place of a term (term, row,
 * column, position) a 64-bit number is added up, once over the index as the
 * vocabulary table "instance" gives it, once over the texts as our tokenizer
 * cuts them; and the sizes that ranking uses are compared with those of the
 * texts. (sqlite.org/fts5.html: 6.9 integrity-check, 8 fts5vocab, and for the
 * shadow tables 9, internal data structures) */
#include <stdlib.h>

#include "store/priv/check.h"
#include "store/priv/tokenizer.h"

#define COLUMNS 4u /* kind, key (both not indexed), title, detail */
#define FIRST_INDEXED 2u

struct places {
	uint64_t sum, n;
	int64_t row;
	unsigned column;
	int64_t position; /* of the last token */
};

static void add_place(struct places *p, struct span term, int64_t row, unsigned column, int64_t position)
{
	uint64_t x[4] = {span_hash(term), (uint64_t)row, column, (uint64_t)position};
	p->sum += span_hash(span_of(x, sizeof x));
	p->n++;
}

static int on_token(void *arg, struct span token, bool colocated, size_t from, size_t to)
{
	struct places *p = arg;
	(void)from, (void)to;
	if (!colocated || p->position < 0)
		p->position++;
	add_place(p, token, p->row, p->column, p->position);
	return 0;
}

/* As SQLite writes numbers: seven bits a byte, the highest first; these fit in 56 bits. */
static void put_varint(struct buf *b, uint64_t v)
{
	unsigned shift = 49;
	while (shift && !(v >> shift))
		shift -= 7;
	for (; shift; shift -= 7)
		buf_addc(b, (uint8_t)(0x80 | ((v >> shift) & 0x7f)));
	buf_addc(b, (uint8_t)(v & 0x7f));
}

int check_search_begin(struct checking *c, struct diag *d)
{
	return db_exec(c->db,
		"PRAGMA query_only=0; CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_places USING fts5vocab('main','search','instance');"
		"PRAGMA query_only=1",
		d);
}

/* 1 a row, 0 the end, or an error. */
static int step(struct checking *c, sqlite3_stmt *st, int rc, struct diag *d)
{
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : db_error(c->db, rc, "check", d);
}

static int read_texts(struct checking *c, struct places *ret, bool *ret_sizes_hold, struct diag *d)
{
	uint64_t total[COLUMNS] = {0}, rows = 0;
	struct buf sizes;
	sqlite3_stmt *st = NULL;
	buf_init(&sizes, 0);
	*ret_sizes_hold = true;
	int rc = sqlite3_prepare_v2(c->db->sq, "SELECT c.id, z.sz, c.c2, c.c3 FROM search_content c LEFT JOIN search_docsize z ON z.id=c.id", -1, &st, NULL);
	int err = step(c, st, rc, d);
	for (; err > 0; err = err ? err : step(c, st, SQLITE_OK, d)) {
		ret->row = sqlite3_column_int64(st, 0);
		buf_reset(&sizes);
		err = 0;
		for (unsigned i = 0; i < COLUMNS && !err; i++) {
			ret->column = i;
			ret->position = -1;
			if (i >= FIRST_INDEXED)
				err = tokenizer_run(db_col_text(st, (int)i), false, on_token, ret);
			put_varint(&sizes, (uint64_t)(ret->position + 1));
			total[i] += (uint64_t)(ret->position + 1);
		}
		if (err || (err = sizes.err))
			diag_set(d, err, MSG_OUT_OF_MEMORY);
		else
			*ret_sizes_hold &= span_eq(db_col_bytes(st, 1), buf_span(&sizes));
		rows++;
	}
	sqlite3_finalize(st);
	st = NULL;
	/* The record of averages; an index that was always empty has none. */
	buf_reset(&sizes);
	put_varint(&sizes, rows);
	for (unsigned i = 0; i < COLUMNS; i++)
		put_varint(&sizes, total[i]);
	if (!err && (err = sizes.err))
		diag_set(d, err, MSG_OUT_OF_MEMORY);
	if (!err) {
		rc = sqlite3_prepare_v2(c->db->sq, "SELECT (SELECT count(*) FROM search_docsize), (SELECT block FROM search_data WHERE id=1)", -1, &st, NULL);
		err = step(c, st, rc, d);
		if (err > 0) {
			struct span average = db_col_bytes(st, 1);
			*ret_sizes_hold &= (uint64_t)sqlite3_column_int64(st, 0) == rows && (span_eq(average, buf_span(&sizes)) || (!average.n && !rows));
			err = 0;
		}
	}
	sqlite3_finalize(st);
	buf_free(&sizes);
	return err;
}

static int read_index(struct checking *c, struct places *ret, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(c->db->sq, "SELECT term, doc, col, \"offset\" FROM temp.search_places", -1, &st, NULL);
	int err = step(c, st, rc, d);
	for (; err > 0; err = step(c, st, SQLITE_OK, d)) {
		struct span column = db_col_text(st, 2);
		add_place(ret, db_col_text(st, 0), sqlite3_column_int64(st, 1), span_is(column, "title") ? FIRST_INDEXED : FIRST_INDEXED + 1, sqlite3_column_int64(st, 3));
	}
	sqlite3_finalize(st);
	return err;
}

int check_search(struct checking *c, struct diag *d)
{
	struct places texts = {0}, index = {0};
	bool sizes_hold = true;
	int err = read_texts(c, &texts, &sizes_hold, d);
	if (!err)
		err = read_index(c, &index, d);
	if (!err && (!sizes_hold || texts.n != index.n || texts.sum != index.sum))
		err = MO_ECORRUPT;
	return err;
}
