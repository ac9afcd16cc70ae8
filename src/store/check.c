/* `moru check`: what SQLite can tell of itself, then what only we know. */
#include <stdlib.h>

#include "os/crypto.h"
#include "store/priv/impl.h"

#define READ_BYTES (1u << 16)

struct checking {
	struct store *s;
	void (*say)(void *arg, const struct diag *d);
	void *arg;
	struct diag d; /* large: one for all */
};

static struct diag *finding(struct checking *c, enum mo_msg msg, const char *file)
{
	diag_set(&c->d, MO_ECORRUPT, msg);
	diag_file(&c->d, file);
	return &c->d;
}

static void tell(struct checking *c)
{
	if (c->say)
		c->say(c->arg, &c->d);
}

/* Runs a statement that gives a row for every finding. */
static int each(struct checking *c, const char *sql, void (*row)(struct checking *c, sqlite3_stmt *st), struct diag *d)
{
	struct db *db = &c->s->db;
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->sq, sql, -1, &st, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		row(c, st);
		rc = SQLITE_OK;
	}
	int err = rc == SQLITE_DONE ? 0 : db_error(db, rc, "check", d);
	sqlite3_finalize(st);
	return err;
}

static void row_integrity(struct checking *c, sqlite3_stmt *st)
{
	struct span text = db_col_text(st, 0);
	if (span_is(text, "ok"))
		return;
	finding(c, MSG_STORE_CHECK_INTEGRITY, c->s->db.path);
	diag_text(&c->d, 0, text);
	tell(c);
}

static void row_reference(struct checking *c, sqlite3_stmt *st)
{
	finding(c, MSG_STORE_CHECK_REFERENCE, c->s->db.path);
	diag_text(&c->d, 0, db_col_text(st, 0));
	diag_int(&c->d, 1, sqlite3_column_int64(st, 1));
	diag_text(&c->d, 2, db_col_text(st, 2));
	tell(c);
}

static void row_states(struct checking *c, sqlite3_stmt *st)
{
	char text[32];
	finding(c, MSG_STORE_CHECK_STATES, c->s->db.path);
	diag_text(&c->d, 0, db_col_text(st, 0));
	diag_text(&c->d, 1, span_of(text, rfc3339_format(text, sqlite3_column_int64(st, 1))));
	tell(c);
}

static void row_count(struct checking *c, sqlite3_stmt *st)
{
	finding(c, MSG_STORE_CHECK_COUNT, c->s->db.path);
	diag_text(&c->d, 0, db_col_text(st, 0));
	diag_int(&c->d, 1, sqlite3_column_int64(st, 1));
	diag_int(&c->d, 2, sqlite3_column_int64(st, 2));
	tell(c);
}

static void row_doc(struct checking *c, sqlite3_stmt *st)
{
	finding(c, MSG_STORE_CHECK_DOC, c->s->db.path);
	diag_text(&c->d, 0, db_col_text(st, 0));
	tell(c);
}

static int digest_file(struct vfs_file *f, struct sha256 *h, uint8_t out[32], uint64_t *ret_size)
{
	uint8_t *p = malloc(READ_BYTES);
	uint64_t at = 0;
	int err = p ? 0 : MO_ENOMEM;
	for (size_t n = 1; !err && n; at += n) {
		n = 0;
		err = vfs_pread(f, p, READ_BYTES, at, &n);
		if (!err && n)
			err = sha256_update(h, span_of(p, n));
	}
	free(p);
	*ret_size = at;
	return err ? err : sha256_final(h, out);
}

static int check_blob(struct checking *c, const uint8_t sha[32], uint64_t size, struct diag *d)
{
	struct db *db = &c->s->db;
	struct vfs_file *f = NULL;
	struct sha256 *h = NULL;
	uint8_t got[32];
	uint64_t got_size = 0;
	char *path = blob_path(db->dir, sha);
	int err = path ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err)
		return err;
	err = vfs_open(db->vfs, &f, path, VFS_READ, d);
	if (err == MO_ENOENT) {
		finding(c, MSG_STORE_CHECK_BLOB_MISSING, path);
		tell(c);
		err = 0;
	} else if (!err && !(err = sha256_new(&h)) && !(err = digest_file(f, h, got, &got_size)) &&
		(got_size != size || memcmp(got, sha, sizeof got) != 0)) {
		finding(c, MSG_STORE_CHECK_BLOB_DIFFERS, path);
		tell(c);
	} else if (err == MO_EIO) { /* a bad sector is a finding, not the end of the check */
		finding(c, MSG_STORE_CHECK_BLOB_DIFFERS, path);
		tell(c);
		err = 0;
	}
	sha256_free(h);
	vfs_close(f);
	free(path);
	return err;
}

static int check_blobs(struct checking *c, struct diag *d)
{
	struct db *db = &c->s->db;
	sqlite3_stmt *st = NULL;
	int err = 0, rc = sqlite3_prepare_v2(db->sq, "SELECT sha256, size FROM blob", -1, &st, NULL);
	while (!err && rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct span sha = db_col_bytes(st, 0);
		if (sha.n == 32)
			err = check_blob(c, sha.p, (uint64_t)sqlite3_column_int64(st, 1), d);
		rc = SQLITE_OK;
	}
	if (!err && rc != SQLITE_DONE)
		err = db_error(db, rc, "check", d);
	sqlite3_finalize(st);
	return err;
}

static int check_search(struct checking *c, struct diag *d)
{
	struct db *db = &c->s->db;
	/* A writer's command in form; it reads only. */
	int rc = sqlite3_exec(db->sq, "INSERT INTO search(search) VALUES('integrity-check')", NULL, NULL, NULL);
	if ((rc & 0xff) == SQLITE_CORRUPT) {
		finding(c, MSG_STORE_CHECK_SEARCH, db->path);
		tell(c);
		rc = SQLITE_OK;
	}
	return rc == SQLITE_OK ? 0 : db_error(db, rc, "check", d);
}

int store_check(struct store *s, void (*say)(void *arg, const struct diag *d), void *arg)
{
	static const char states[] = "SELECT a.code, s.from_t FROM state s JOIN asset a ON a.id=s.asset"
								 " WHERE EXISTS(SELECT 1 FROM state b WHERE b.asset=s.asset AND b.from_t>s.from_t AND b.from_t<s.to_t)";
	static const char counts[] =
		"SELECT noun, n, real FROM (SELECT c.noun, coalesce(t.n,0) AS n, c.real FROM ("
		"SELECT 'asset' AS noun, count(*) AS real FROM asset UNION ALL SELECT 'signal', count(*) FROM signal UNION ALL"
		" SELECT 'lot', count(*) FROM lot UNION ALL SELECT 'link', count(*) FROM lot_link UNION ALL"
		" SELECT 'operation', count(*) FROM operation UNION ALL SELECT 'event', count(*) FROM event UNION ALL"
		" SELECT 'characteristic', count(*) FROM characteristic UNION ALL SELECT 'state', count(*) FROM state UNION ALL"
		" SELECT 'case', count(*) FROM cases UNION ALL SELECT 'doc', count(*) FROM doc WHERE json IS NOT NULL UNION ALL"
		" SELECT 'blob', count(*) FROM blob UNION ALL SELECT 'import', count(*) FROM import) c LEFT JOIN tally t ON t.noun=c.noun) WHERE n<>real";
	static const char docs[] = "SELECT d.class||'/'||d.name FROM doc d WHERE (d.version, d.json) IS NOT"
							   " (SELECT h.version, h.json FROM doc_history h WHERE h.class=d.class AND h.name=d.name ORDER BY version DESC LIMIT 1)";
	struct checking *c = calloc(1, sizeof *c);
	struct diag *d = calloc(1, sizeof *d);
	int err = MO_ENOMEM;
	if (!c || !d)
		goto out;
	*c = (struct checking){.s = s, .say = say, .arg = arg};
	err = each(c, "PRAGMA integrity_check", row_integrity, d);
	if (!err)
		err = each(c, "PRAGMA foreign_key_check", row_reference, d);
	if (!err)
		err = each(c, states, row_states, d);
	if (!err)
		err = each(c, counts, row_count, d);
	if (!err)
		err = each(c, docs, row_doc, d);
	if (!err)
		err = check_search(c, d);
	if (!err)
		err = check_blobs(c, d);
	if (err == MO_ECORRUPT) { /* so damaged that the statements themselves fail: that is the finding */
		if (say)
			say(arg, d);
		err = 0;
	}
out:
	free(c);
	free(d);
	return err;
}
