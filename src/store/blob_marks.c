/* Blobs that nothing refers to. See sweep.h. */
#include <stdlib.h>

#include "os/crypto.h"
#include "store/priv/impl.h"
#include "store/sweep.h"

#define ROWS_A_STEP 2000
#define CHANGES_A_STEP 2000
#define CHANGES_A_SLICE 500 /* that a sweep looks at within its transaction */
#define TEXTS_MAX 8         /* columns of a row that may name a blob */

struct mark {
	uint8_t sha[32];
	int64_t seen_ns;
	uint64_t size;
	bool named, gone;
};
struct blob_marks {
	struct mark *mark; /* by digest */
	size_t n, next;    /* next: to be swept */
	bool full;         /* there are more behind the last */
	int64_t before_ns;
	char *unreferred;  /* SQL: nothing has a foreign key to b */
	unsigned table;    /* that is looked through */
	int64_t after;     /* row of it */
	int64_t change;    /* number up to which changes are known */
};

/* Tables with texts that may name a blob, and their rows by a number. What makes another text needs a row here, and one below. */
static const char *const tables[] = {
	"SELECT id, code, name FROM asset WHERE id>?1 ORDER BY id LIMIT ?2",
	"SELECT id, firm, number, place FROM lot WHERE id>?1 ORDER BY id LIMIT ?2",
	"SELECT id, ref, step, cavity, tool, standard_version FROM operation WHERE id>?1 ORDER BY id LIMIT ?2",
	"SELECT id, ref, from_place, to_place, partner, text, reason, data FROM event WHERE id>?1 ORDER BY id LIMIT ?2",
	"SELECT id, ref, name, spec_version FROM characteristic WHERE id>?1 ORDER BY id LIMIT ?2",
	"SELECT id, cause, evidence FROM cases WHERE id>?1 ORDER BY id LIMIT ?2",
	"SELECT id, note FROM case_history WHERE id>?1 ORDER BY id LIMIT ?2",
	"SELECT row, id, file, result FROM import WHERE row>?1 ORDER BY row LIMIT ?2",
	"SELECT 0, name, json FROM doc_history WHERE ?1=0 OR ?2=0", /* of all versions; in one go */
};
#define TABLES ((unsigned)(sizeof tables / sizeof *tables))

/* The same of what the feed says has changed; its key is looked at in any case. NULL: the key is all. */
#define KEY_CLASS "substr(?1,1,instr(?1,'/')-1)"
#define KEY_NAME "substr(?1,instr(?1,'/')+1)"
static const char *changed_sql(enum noun n)
{
	switch (n) {
	case NOUN_ASSET: return "SELECT 0, name FROM asset WHERE code=?1";
	case NOUN_LOT: return "SELECT 0, place FROM lot WHERE firm=" KEY_CLASS " AND number=" KEY_NAME;
	case NOUN_OPERATION: return "SELECT 0, step, cavity, tool, standard_version FROM operation WHERE ref=?1";
	case NOUN_EVENT: return "SELECT 0, from_place, to_place, partner, text, reason, data FROM event WHERE ref=?1";
	case NOUN_CHARACTERISTIC: return "SELECT 0, name, spec_version FROM characteristic WHERE ref=?1";
	case NOUN_CASE:
		return "SELECT 0, cause, evidence FROM cases WHERE id=cast(?1 AS INTEGER) UNION ALL"
			   " SELECT 0, note, NULL FROM case_history WHERE case_id=cast(?1 AS INTEGER)";
	case NOUN_IMPORT: return "SELECT 0, file, result FROM import WHERE id=?1";
	case NOUN_DOC: return "SELECT 0, json FROM doc_history WHERE class=" KEY_CLASS " AND name=" KEY_NAME;
	case NOUN_SIGNAL:
	case NOUN_LINK:
	case NOUN_STATE:
	case NOUN_BLOB:
	case NOUNS:
		break;
	}
	return NULL;
}

static int prepare(struct db *db, sqlite3_stmt **ret, const char *sql, struct diag *d)
{
	int rc = sqlite3_prepare_v2(db->sq, sql, -1, ret, NULL);
	return rc == SQLITE_OK ? 0 : db_error(db, rc, "prepare", d);
}

/* ---- what a text names ---- */

static int by_digest(const void *a, const void *b) { return memcmp(a, ((const struct mark *)b)->sha, 32); }

static void keep(struct blob_marks *m, const uint8_t sha[32])
{
	struct mark *k = m->n ? bsearch(sha, m->mark, m->n, sizeof *m->mark, by_digest) : NULL;
	if (k)
		k->named = true;
}

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Each 64 digits in a row, wherever they begin. */
static void look(struct blob_marks *m, struct span text)
{
	uint8_t even[32] = {0}, odd[32] = {0}; /* the last 64 digits, when as many were seen */
	size_t run = 0;
	int last = 0;
	for (size_t i = 0; i < text.n; i++) {
		int v = nibble(text.p[i]);
		if (v < 0) {
			run = 0;
			continue;
		}
		/* Pairs that end here, shifted through the one of the two that this digit ends. */
		uint8_t *q = i & 1 ? odd : even;
		if (run) {
			memmove(q, q + 1, 31);
			q[31] = (uint8_t)(last << 4 | v);
		}
		last = v;
		if (++run >= 64)
			keep(m, q);
	}
}

static void look_row(struct blob_marks *m, sqlite3_stmt *st)
{
	for (int i = 1; i < sqlite3_column_count(st); i++)
		if (sqlite3_column_type(st, i) == SQLITE_TEXT)
			look(m, db_col_text(st, i));
}

/* ---- marks ---- */

void blob_marks_free(struct blob_marks *m)
{
	if (!m)
		return;
	free(m->mark);
	free(m->unreferred);
	free(m);
}

/* Of every table that names blobs, now or in a schema to come: by a foreign key, or in a column that is called so. */
static int find_keys(struct blob_marks *m, struct db *db, struct diag *d)
{
	static const char sql[] =
		"SELECT group_concat(printf(' AND NOT EXISTS(SELECT 1 FROM \"%w\" x WHERE x.\"%w\"=b.sha256)', t, c), '') FROM ("
		"SELECT s.name AS t, f.\"from\" AS c FROM sqlite_schema s JOIN pragma_foreign_key_list(s.name) f WHERE s.type='table' AND f.\"table\"='blob' UNION"
		" SELECT s.name, i.name FROM sqlite_schema s JOIN pragma_table_info(s.name) i WHERE s.type='table' AND s.name NOT IN('blob','blob_gone')"
		" AND s.sql NOT LIKE 'CREATE VIRTUAL%' AND i.type='BLOB' AND i.name IN('blob','sha256'))";
	sqlite3_stmt *st = NULL;
	int err = prepare(db, &st, sql, d);
	if (!err && (err = db_step(db, st, d)) == 1) {
		struct span s = db_col_text(st, 0);
		bool none = sqlite3_column_type(st, 0) == SQLITE_NULL;
		err = 0;
		if ((!none && !s.p) || !(m->unreferred = strndup(s.p ? (const char *)s.p : "", s.n)))
			err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	}
	sqlite3_finalize(st);
	return err;
}

#define OLD "coalesce(b.seen,b.t)<?2"

static int statement(const struct blob_marks *m, struct db *db, sqlite3_stmt **ret, const char *head, const char *tail, struct diag *d)
{
	struct buf b;
	buf_init(&b, 0);
	buf_adds(&b, head);
	buf_adds(&b, m->unreferred);
	buf_adds(&b, tail);
	buf_addc(&b, 0);
	int err = b.err ? diag_set(d, b.err, MSG_OUT_OF_MEMORY) : prepare(db, ret, (const char *)b.p, d);
	buf_free(&b);
	return err;
}

/* Those behind the last; changes from here on are looked at again. */
static int load(struct blob_marks *m, struct db *db, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	uint8_t after[32];
	size_t n_after = m->n ? sizeof after : 0, n = 0;
	int rc;
	if (m->n)
		memcpy(after, m->mark[m->n - 1].sha, sizeof after);
	int err = db_get_i64(db, "SELECT max(number) FROM change", &m->change, d);
	m->n = m->next = 0;
	m->table = 0;
	m->after = 0;
	m->full = false;
	if (err || (err = statement(m, db, &st, "SELECT b.sha256, coalesce(b.seen,b.t), b.size FROM blob b WHERE b.sha256>?1 AND " OLD, " ORDER BY b.sha256 LIMIT ?3", d)))
		return err;
	if ((rc = sqlite3_bind_blob(st, 1, n_after ? after : (const uint8_t *)"", (int)n_after, SQLITE_STATIC)) != SQLITE_OK ||
		(rc = sqlite3_bind_int64(st, 2, m->before_ns)) != SQLITE_OK || (rc = sqlite3_bind_int64(st, 3, BLOB_MARKS_MAX)) != SQLITE_OK)
		err = db_error(db, rc, "read", d);
	while (!err && (err = db_step(db, st, d)) == 1) {
		struct span sha = db_col_bytes(st, 0);
		if (sha.n != 32) {
			err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); /* the schema allows no other length */
			break;
		}
		if ((n & (n - 1)) == 0 && n >= 64) {
			struct mark *p = realloc(m->mark, 2 * n * sizeof *p);
			if (!p) {
				err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
				break;
			}
			m->mark = p;
		} else if (!m->mark && !(m->mark = malloc(64 * sizeof *m->mark))) {
			err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
			break;
		}
		struct mark *k = &m->mark[n++];
		*k = (struct mark){.seen_ns = sqlite3_column_int64(st, 1), .size = (uint64_t)sqlite3_column_int64(st, 2)};
		memcpy(k->sha, sha.p, 32);
		err = 0;
	}
	sqlite3_finalize(st);
	if (err)
		return err;
	m->n = n;
	m->full = n == BLOB_MARKS_MAX;
	return 0;
}

int blob_marks_new(struct blob_marks **ret, struct store_reader *r, int64_t before_ns, struct diag *d)
{
	struct db *db = store_reader_db(r);
	struct blob_marks *m = calloc(1, sizeof *m);
	if (!m)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	m->before_ns = before_ns;
	int err = find_keys(m, db, d);
	if (!err)
		err = load(m, db, d);
	if (err) {
		blob_marks_free(m);
		return err;
	}
	*ret = m;
	return 0;
}

int blob_marks_next(struct blob_marks *m, struct store_reader *r, struct diag *d)
{
	if (!m->full)
		return MO_ENOENT;
	int err = load(m, store_reader_db(r), d);
	return err ? err : m->n ? 0 : MO_ENOENT;
}

static int look_table(struct blob_marks *m, struct db *db, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	int64_t rows = 0;
	int err = prepare(db, &st, tables[m->table], d), rc;
	if (!err && ((rc = sqlite3_bind_int64(st, 1, m->after)) != SQLITE_OK || (rc = sqlite3_bind_int64(st, 2, ROWS_A_STEP)) != SQLITE_OK))
		err = db_error(db, rc, "read", d);
	while (!err && (err = db_step(db, st, d)) == 1) {
		m->after = sqlite3_column_int64(st, 0);
		look_row(m, st);
		rows++;
		err = 0;
	}
	sqlite3_finalize(st);
	if (!err && (rows < ROWS_A_STEP || m->after == 0)) {
		m->table++;
		m->after = 0;
	}
	return err;
}

static int look_changed(struct blob_marks *m, struct db *db, sqlite3_stmt **kept, enum noun noun, struct span key, struct diag *d)
{
	const char *sql = changed_sql(noun);
	int err = 0, rc;
	if (noun == NOUN_BLOB)
		return 0; /* its own digest */
	look(m, key);
	if (!sql || (!kept[noun] && (err = prepare(db, &kept[noun], sql, d))))
		return err;
	if ((rc = sqlite3_bind_text(kept[noun], 1, (const char *)key.p, (int)key.n, SQLITE_STATIC)) != SQLITE_OK)
		return db_error(db, rc, "read", d);
	while ((err = db_step(db, kept[noun], d)) == 1)
		look_row(m, kept[noun]);
	return err;
}

/* What has changed after *number, at most `limit`; *number is then the last. MO_EAGAIN: there may be more. */
static int look_changes(struct blob_marks *m, struct db *db, int64_t *number, int limit, struct diag *d)
{
	sqlite3_stmt *st = NULL, *kept[NOUNS] = {NULL};
	int rows = 0, rc;
	int err = prepare(db, &st, "SELECT number, noun, key FROM change WHERE number>?1 ORDER BY number LIMIT ?2", d);
	if (!err && ((rc = sqlite3_bind_int64(st, 1, *number)) != SQLITE_OK || (rc = sqlite3_bind_int(st, 2, limit)) != SQLITE_OK))
		err = db_error(db, rc, "read", d);
	while (!err && (err = db_step(db, st, d)) == 1) {
		unsigned noun = 0;
		int64_t at = sqlite3_column_int64(st, 0);
		struct span name = db_col_text(st, 1), key = db_col_text(st, 2);
		while (noun < NOUNS && !span_is(name, store_noun_name((enum noun)noun)))
			noun++;
		err = !name.p || !key.p ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : look_changed(m, db, kept, (enum noun)noun, key, d);
		if (!err) {
			*number = at;
			rows++;
		}
	}
	for (size_t i = 0; i < NOUNS; i++)
		sqlite3_finalize(kept[i]);
	sqlite3_finalize(st);
	return err ? err : rows == limit ? MO_EAGAIN : 0;
}

int blob_marks_step(struct blob_marks *m, struct store_reader *r, struct diag *d)
{
	struct db *db = store_reader_db(r);
	if (m->n == 0)
		return 0;
	if (m->table < TABLES) {
		int err = look_table(m, db, d);
		return err ? err : MO_EAGAIN;
	}
	return look_changes(m, db, &m->change, CHANGES_A_STEP, d);
}

void blob_marks_would(const struct blob_marks *m, struct store_swept *ret)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->mark[i].named)
			store_swept_add(ret, &(struct store_swept){.n = 1, .bytes = m->mark[i].size, .from_ns = m->mark[i].seen_ns, .to_ns = m->mark[i].seen_ns});
}

/* ---- rows ---- */

/* 1: its row went. */
static int drop_row(struct store *s, sqlite3_stmt *st, const struct blob_marks *m, const struct mark *k, struct diag *d)
{
	char hex[65];
	int err, rc;
	sqlite3_reset(st);
	if ((rc = sqlite3_bind_blob(st, 1, k->sha, 32, SQLITE_STATIC)) != SQLITE_OK || (rc = sqlite3_bind_int64(st, 2, m->before_ns)) != SQLITE_OK)
		return db_error(&s->db, rc, "write", d);
	if ((err = db_step(&s->db, st, d)) != 0)
		return err;
	if (sqlite3_changes(s->db.sq) == 0)
		return 0; /* it came again, or something refers to it now */
	blob_hex(hex, k->sha);
	if ((err = db_run(&s->db, ST_GONE_ADD, ARGS(sarg_b(span_of(k->sha, 32))), d)) || (err = store_note(s, NOUN_BLOB, span_of(hex, 64), "removed", -1, d)))
		return err;
	return 1;
}

int store_sweep_blobs(struct store *s, struct blob_marks *m, int64_t now_ns, struct store_swept *ret, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	struct store_swept w;
	int64_t number = m->change; /* not kept: what is not committed yet may never be, and its number be given again */
	size_t next = m->next;
	unsigned n = 0;
	store_swept_init(&w);
	int err = store_writing(s, d);
	if (err || m->table < TABLES)
		return err || m->n == 0 ? err : diag_set(d, MO_ESTATE, MSG_STORE_NO_TRANSACTION);
	store_saw(s, now_ns);
	if ((err = look_changes(m, &s->db, &number, CHANGES_A_SLICE, d)) == MO_EAGAIN)
		return MO_ESTATE;
	if (!err)
		err = statement(m, &s->db, &st, "DELETE FROM blob AS b WHERE b.sha256=?1 AND " OLD, "", d);
	for (; !err && next < m->n && n < SWEEP_BLOBS; next++) {
		const struct mark *k = &m->mark[next];
		if (k->named || (err = drop_row(s, st, m, k, d)) != 1)
			continue;
		store_swept_add(&w, &(struct store_swept){.n = 1, .bytes = k->size, .from_ns = k->seen_ns, .to_ns = k->seen_ns});
		n++;
		err = 0;
	}
	sqlite3_finalize(st);
	if (err)
		return err;
	m->next = next;
	store_swept_add(ret, &w);
	return next < m->n ? MO_EAGAIN : 0;
}

/* ---- files ---- */

static int failed(struct diag *d, int err, const char *operation, const char *path)
{
	diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_STORE_FAILED);
	diag_file(d, path ? path : "");
	diag_text(d, 0, span_str(operation));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

static int unlink_file(struct store *s, const uint8_t sha[32], struct diag *d)
{
	char *path = blob_path(s->db.dir, sha), *folder = path ? vfs_parent(path) : NULL;
	int err = path && folder ? vfs_unlink(s->db.vfs, path) : MO_ENOMEM;
	if (err == MO_ENOENT)
		err = 0; /* a killed attempt's, whose folder may not be synced yet */
	if (!err && (err = vfs_sync_dir(s->db.vfs, folder)) == MO_ENOENT)
		err = 0; /* a restored folder has none where no blob is */
	if (err)
		failed(d, err, "unlink", path);
	free(path);
	free(folder);
	return err;
}

int store_sweep_files(struct store *s, struct diag *d)
{
	uint8_t sha[SWEEP_BLOBS][32];
	size_t n = 0;
	sqlite3_stmt *st;
	int64_t one;
	int err = store_writing(s, d);
	if (err || (err = db_use(&s->db, ST_GONE_LIST, ARGS(sarg_i(SWEEP_BLOBS)), &st, d)))
		return err;
	while ((err = db_step(&s->db, st, d)) == 1) {
		struct span b = db_col_bytes(st, 0);
		if (b.n != 32) {
			sqlite3_reset(st);
			return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); /* the schema allows no other length */
		}
		memcpy(sha[n++], b.p, 32);
	}
	for (size_t i = 0; i < n && !err; i++) {
		struct store_arg key = sarg_b(span_of(sha[i], 32));
		err = db_find(&s->db, ST_BLOB_FIND, ARGS(key), &one, d);
		if (err == MO_ENOENT)
			err = unlink_file(s, sha[i], d);
		if (!err)
			err = db_run(&s->db, ST_GONE_DROP, ARGS(key), d);
	}
	return err ? err : n == SWEEP_BLOBS ? MO_EAGAIN : 0;
}

int store_sweep_resume(struct store *s, struct diag *d)
{
	int64_t any = 0;
	int err = db_get_i64(&s->db, "SELECT count(*) FROM blob_gone", &any, d);
	while (!err && any) {
		if ((err = store_begin(s, d)))
			return err;
		int did = store_sweep_files(s, d);
		if (did && did != MO_EAGAIN) {
			store_rollback(s);
			if (did != MO_ENOMEM)
				diag_clear(d);
			return did == MO_ENOMEM ? did : 0;
		}
		err = store_commit(s, d);
		any = did == MO_EAGAIN;
	}
	return err;
}
