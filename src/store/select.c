/* Readers: a connection of its own that sees committed states only. */
#include <stdlib.h>

#include "base/num.h"
#include "store/priv/impl.h"
#include "store/priv/migrations.h"

#define FIRST_ROWS 16u                 /* of a batch; grows by four a batch up to TABLE_BATCH_ROWS: one row costs little, many go fast */
#define BATCH_TEXT_BYTES (1u << 20)    /* a batch ends once its texts hold as much */

enum { RD_MARK, RD_DOC, RD_BLOB, RD_LOT, RD_CHILDREN, RD_PARENTS, RD_LINK_UNIT, RD_COUNT };
static const char *const reads[RD_COUNT] = {
	[RD_MARK] = "SELECT value FROM mark WHERE name=?1",
	[RD_DOC] = "SELECT version, json FROM doc WHERE class=?1 AND name=?2 AND json IS NOT NULL",
	[RD_BLOB] = "SELECT size FROM blob WHERE sha256=?1",
	[RD_LOT] = "SELECT id FROM lot WHERE firm=?1 AND number=?2",
	[RD_CHILDREN] = "SELECT parent, child, quantity FROM lot_link WHERE parent=?1 ORDER BY child",
	[RD_PARENTS] = "SELECT parent, child, quantity FROM lot_link WHERE child=?1 ORDER BY parent",
	[RD_LINK_UNIT] = "SELECT unit FROM lot_link WHERE parent=?1 AND child=?2",
};

struct store_reader {
	struct db db;
	sqlite3_stmt *kept[STORE_QUERIES]; /* free ones; one in use is its cursor's */
	struct gen_link *links;
	size_t cap_links;
};

int store_reader_open(struct store_reader **ret, struct vfs *vfs, const char *path, struct diag *d)
{
	struct vfs_stat st;
	unsigned version = 0;
	struct store_reader *r = calloc(1, sizeof *r);
	if (!r)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	int err = vfs_stat(vfs, path, &st);
	if (err) {
		diag_set(d, err, MSG_STORE_FAILED);
		diag_file(d, path);
		diag_text(d, 0, span_str("open"));
		diag_text(d, 1, span_str(mo_err_name(err)));
		goto out;
	}
	if ((err = db_open(&r->db, vfs, path, false, reads, RD_COUNT, d)) || (err = migrations_version(&r->db, &version, d)))
		goto out;
	if (version != n_store_migrations) {
		err = version > n_store_migrations ? MO_EVERSION : MO_ESTATE;
		diag_set(d, err, version > n_store_migrations ? MSG_STORE_NEWER : MSG_STORE_OLDER);
		diag_file(d, path);
		diag_int(d, 0, version);
		diag_int(d, 1, n_store_migrations);
		goto out;
	}
	if ((err = db_exec(&r->db, "PRAGMA query_only=1", d)))
		goto out;
	*ret = r;
	r = NULL;
out:
	store_reader_close(r);
	return err;
}

void store_reader_close(struct store_reader *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < STORE_QUERIES; i++)
		sqlite3_finalize(r->kept[i]);
	db_close(&r->db);
	free(r->links);
	free(r);
}

struct db *store_reader_db(struct store_reader *r) { return &r->db; }

struct sqlite3 *store_reader_sqlite(struct store_reader *r) { return r->db.sq; }

bool store_reader_damaged(struct store_reader *r, int rc, struct diag *d)
{
	if (rc == SQLITEVFS_DAMAGED)
		db_error(&r->db, rc, "read", d);
	return rc == SQLITEVFS_DAMAGED;
}

/* ---- cursors ---- */

struct cursor {
	struct table_cursor base; /* first */
	struct store_reader *r;
	enum store_query q;
	sqlite3_stmt *st;
	bool done;
	size_t cap;        /* rows the columns hold */
	struct col *cols;
	void **values;     /* n_cols blocks of cap values, each followed by cap null bytes */
	struct buf text;   /* of this batch; spans are offsets until the batch is whole */
};

static size_t width(enum col_type t)
{
	switch (t) {
	case COL_BOOL:
		return sizeof(uint8_t);
	case COL_I64:
	case COL_TIME:
	case COL_F64:
		return 8;
	case COL_STR:
	case COL_BYTES:
	case COL_JSON:
		return sizeof(struct span);
	}
	return sizeof(struct span);
}

static int grow(struct cursor *c, size_t rows)
{
	for (size_t i = 0; i < c->base.n_cols; i++) {
		size_t w = width(c->base.cols[i].type);
		void *p = realloc(c->values[i], rows * (w + 1));
		if (!p)
			return MO_ENOMEM;
		c->values[i] = p;
		c->cols[i].b = p;
		c->cols[i].null = (uint8_t *)p + rows * w;
	}
	c->cap = rows;
	return 0;
}

static int put(struct cursor *c, size_t col, size_t row)
{
	enum col_type type = c->base.cols[col].type;
	void *values = c->values[col];
	bool null = sqlite3_column_type(c->st, (int)col) == SQLITE_NULL;
	((uint8_t *)values + c->cap * width(type))[row] = null;
	switch (type) {
	case COL_BOOL:
		((uint8_t *)values)[row] = sqlite3_column_int(c->st, (int)col) != 0;
		return 0;
	case COL_I64:
		((int64_t *)values)[row] = sqlite3_column_int64(c->st, (int)col);
		return 0;
	case COL_TIME:
		((int64_t *)values)[row] = null ? T_NONE : sqlite3_column_int64(c->st, (int)col);
		return 0;
	case COL_F64:
		((double *)values)[row] = null ? NAN : sqlite3_column_double(c->st, (int)col);
		return 0;
	case COL_STR:
	case COL_JSON:
	case COL_BYTES:
		break;
	}
	struct span s = null ? span_of("", 0) : type == COL_BYTES ? db_col_bytes(c->st, (int)col) : db_col_text(c->st, (int)col);
	if (!s.p)
		return MO_ENOMEM; /* a text that is no NULL and has no bytes could not be converted */
	((struct span *)values)[row] = span_of((const uint8_t *)(uintptr_t)c->text.n, s.n);
	buf_add(&c->text, s);
	return c->text.err;
}

/* Offsets into the text become pointers, now that it moves no more. */
static void point(struct cursor *c, size_t rows)
{
	const uint8_t *p = c->text.p ? c->text.p : (const uint8_t *)"";
	for (size_t i = 0; i < c->base.n_cols; i++) {
		if (width(c->base.cols[i].type) != sizeof(struct span))
			continue;
		struct span *s = c->values[i];
		for (size_t k = 0; k < rows; k++)
			s[k].p = p + (uintptr_t)s[k].p;
	}
}

static int cursor_next(struct table_cursor *base, struct table_batch *ret, struct diag *d)
{
	struct cursor *c = (struct cursor *)base;
	size_t n = 0;
	int err = 0, rc = SQLITE_ROW;
	size_t rows = !c->cap ? FIRST_ROWS : c->cap * 4 > TABLE_BATCH_ROWS ? TABLE_BATCH_ROWS : c->cap * 4;
	buf_reset(&c->text);
	if (!c->done && rows != c->cap)
		err = grow(c, rows);
	while (!err && !c->done && n < c->cap && c->text.n < BATCH_TEXT_BYTES) {
		rc = sqlite3_step(c->st);
		c->done = rc != SQLITE_ROW;
		if (rc != SQLITE_ROW)
			break;
		for (size_t i = 0; i < c->base.n_cols && !err; i++)
			err = put(c, i, n);
		n++;
	}
	if (err)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_error(&c->r->db, rc, store_query_def(c->q)->name, d);
	point(c, n);
	*ret = (struct table_batch){n, c->cols};
	return 0;
}

static void cursor_close(struct table_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	if (c->st) {
		sqlite3_reset(c->st);
		sqlite3_clear_bindings(c->st);
		if (c->r->kept[c->q])
			sqlite3_finalize(c->st);
		else
			c->r->kept[c->q] = c->st;
	}
	for (size_t i = 0; c->values && i < c->base.n_cols; i++)
		free(c->values[i]);
	free(c->values);
	free(c->cols);
	buf_free(&c->text);
	free(c);
}

static const struct table_ops cursor_ops = {cursor_next, cursor_close};

int store_select(struct store_reader *r, struct table_cursor **ret, enum store_query q, const struct store_arg *args, size_t n_args,
	struct diag *d)
{
	const struct store_query_def *def = store_query_def(q);
	int rc = SQLITE_OK, err = 0;
	if (!def || n_args != def->n_args) {
		diag_set(d, MO_EINVAL, MSG_STORE_ARGS);
		diag_value(d, span_str(def ? def->name : "?"));
		diag_int(d, 0, def ? def->n_args : 0);
		diag_int(d, 1, (int64_t)n_args);
		return MO_EINVAL;
	}
	struct cursor *c = calloc(1, sizeof *c);
	if (!c)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	c->base = (struct table_cursor){&cursor_ops, def->cols, def->n_cols};
	c->r = r;
	c->q = q;
	buf_init(&c->text, 0);
	c->cols = calloc(def->n_cols, sizeof *c->cols);
	c->values = calloc(def->n_cols, sizeof *c->values);
	if (!c->cols || !c->values) {
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		goto out;
	}
	c->st = r->kept[q];
	r->kept[q] = NULL;
	if (!c->st)
		rc = sqlite3_prepare_v3(r->db.sq, def->sql, -1, SQLITE_PREPARE_PERSISTENT, &c->st, NULL);
	for (size_t i = 0; i < n_args && rc == SQLITE_OK; i++)
		rc = db_bind(c->st, (int)i + 1, &args[i], true);
	if (rc == SQLITE_OK && sqlite3_column_count(c->st) != (int)def->n_cols)
		rc = SQLITE_MISUSE;
	if (rc != SQLITE_OK) {
		err = db_error(&r->db, rc, def->name, d);
		goto out;
	}
	*ret = &c->base;
	c = NULL;
out:
	if (c)
		cursor_close(&c->base);
	return err;
}

/* ---- single values ---- */

int store_get_mark(struct store_reader *r, struct span name, struct buf *ret, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&r->db, RD_MARK, ARGS(sarg_s(name)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&r->db, st, d)) <= 0)
		return err ? err : MO_ENOENT;
	buf_add(ret, db_col_bytes(st, 0));
	err = ret->err ? diag_set(d, ret->err, MSG_OUT_OF_MEMORY) : 0;
	sqlite3_reset(st);
	return err;
}

int store_get_doc(struct store_reader *r, enum store_doc c, struct span name, struct buf *json, int64_t *ret_version, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&r->db, RD_DOC, ARGS(sarg_c(store_doc_name(c)), sarg_s(name)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&r->db, st, d)) < 0)
		return err;
	if (err == 0) {
		diag_set(d, MO_ENOENT, MSG_STORE_DOC_MISSING);
		diag_value(d, name);
		return MO_ENOENT;
	}
	int64_t version = sqlite3_column_int64(st, 0);
	buf_add(json, db_col_bytes(st, 1));
	err = json->err ? diag_set(d, json->err, MSG_OUT_OF_MEMORY) : 0;
	sqlite3_reset(st);
	if (!err && ret_version)
		*ret_version = version;
	return err;
}

int store_open_blob(struct store_reader *r, const uint8_t sha256[32], struct vfs_file **ret, uint64_t *ret_size, struct diag *d)
{
	int64_t size = 0;
	char hex[65];
	int err = db_find(&r->db, RD_BLOB, ARGS(sarg_b(span_of(sha256, 32))), &size, d);
	if (err == MO_ENOENT) {
		blob_hex(hex, sha256);
		diag_set(d, err, MSG_STORE_BLOB_MISSING);
		diag_value(d, span_str(hex));
	}
	if (err)
		return err;
	char *path = blob_path(r->db.dir, sha256);
	err = path ? vfs_open(r->db.vfs, ret, path, VFS_READ, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	free(path);
	if (!err && ret_size)
		*ret_size = (uint64_t)size;
	return err;
}

int store_lot_id(struct store_reader *r, struct lot_key key, int64_t *ret, struct diag *d)
{
	return db_find(&r->db, RD_LOT, ARGS(sarg_s(key.firm), sarg_s(key.number)), ret, d);
}

int store_link_unit(struct store_reader *r, int64_t parent, int64_t child, struct buf *ret, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&r->db, RD_LINK_UNIT, ARGS(sarg_i(parent), sarg_i(child)), &st, d);
	buf_reset(ret);
	if (err != 0)
		return err;
	int rc = db_step(&r->db, st, d);
	if (rc == 1) {
		const void *text = sqlite3_column_text(st, 0);
		if (text)
			buf_add(ret, span_of(text, (size_t)sqlite3_column_bytes(st, 0)));
		else if (sqlite3_column_type(st, 0) != SQLITE_NULL)
			ret->err = MO_ENOMEM;
		sqlite3_reset(st);
	}
	return rc < 0 ? rc : ret->err ? diag_set(d, ret->err, MSG_OUT_OF_MEMORY) : 0;
}

int store_links(void *reader, int64_t lot, bool down, const struct gen_link **ret, size_t *ret_n, struct diag *d)
{
	struct store_reader *r = reader;
	sqlite3_stmt *st;
	size_t n = 0;
	int err = db_use(&r->db, down ? RD_CHILDREN : RD_PARENTS, ARGS(sarg_i(lot)), &st, d);
	if (err)
		return err;
	while ((err = db_step(&r->db, st, d)) == 1) {
		if (n == r->cap_links) {
			size_t cap = n ? n * 2 : 64, bytes;
			struct gen_link *p = size_mul(&bytes, cap, sizeof *p) ? realloc(r->links, bytes) : NULL;
			if (!p) {
				sqlite3_reset(st);
				return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
			}
			r->links = p;
			r->cap_links = cap;
		}
		r->links[n++] = (struct gen_link){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1),
			sqlite3_column_type(st, 2) == SQLITE_NULL ? NAN : sqlite3_column_double(st, 2)};
	}
	if (err)
		return err;
	*ret = r->links;
	*ret_n = n;
	return 0;
}
