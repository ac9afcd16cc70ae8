/* `moru check`: what SQLite can tell of itself, then what only we know. All of
 * it reads only, in one transaction, so that a store which is being written is
 * checked as it stood at one moment; then the files of the blobs, which never
 * change once their row is there. */
#include <stdlib.h>

#include "os/crypto.h"
#include "store/priv/check.h"
#include "store/priv/logmend.h"

#define READ_BYTES (1u << 16)
#define STEPS 1000 /* of SQLite's machine between two looks whether to stop */

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
	struct db *db = c->db;
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
	finding(c, MSG_STORE_CHECK_INTEGRITY, c->db->path);
	diag_text(&c->d, 0, text);
	tell(c);
}

static void row_reference(struct checking *c, sqlite3_stmt *st)
{
	finding(c, MSG_STORE_CHECK_REFERENCE, c->db->path);
	diag_text(&c->d, 0, db_col_text(st, 0));
	diag_int(&c->d, 1, sqlite3_column_int64(st, 1));
	diag_text(&c->d, 2, db_col_text(st, 2));
	tell(c);
}

static void row_states(struct checking *c, sqlite3_stmt *st)
{
	char text[32];
	finding(c, MSG_STORE_CHECK_STATES, c->db->path);
	diag_text(&c->d, 0, db_col_text(st, 0));
	diag_text(&c->d, 1, span_of(text, rfc3339_format(text, sqlite3_column_int64(st, 1))));
	tell(c);
}

static void row_count(struct checking *c, sqlite3_stmt *st)
{
	finding(c, MSG_STORE_CHECK_COUNT, c->db->path);
	diag_text(&c->d, 0, db_col_text(st, 0));
	diag_int(&c->d, 1, sqlite3_column_int64(st, 1));
	diag_int(&c->d, 2, sqlite3_column_int64(st, 2));
	tell(c);
}

static void row_doc(struct checking *c, sqlite3_stmt *st)
{
	finding(c, MSG_STORE_CHECK_DOC, c->db->path);
	diag_text(&c->d, 0, db_col_text(st, 0));
	tell(c);
}

static int digest_file(struct checking *c, struct vfs_file *f, struct sha256 *h, uint8_t out[32], uint64_t *ret_size)
{
	uint8_t *p = malloc(READ_BYTES);
	uint64_t at = 0;
	int err = p ? 0 : MO_ENOMEM;
	for (size_t n = 1; !err && n; at += n) {
		n = 0;
		err = checking_stopped(c) ? MO_ECANCELED : vfs_pread(f, p, READ_BYTES, at, &n);
		if (!err && n)
			err = sha256_update(h, span_of(p, n));
	}
	free(p);
	*ret_size = at;
	return err ? err : sha256_final(h, out);
}

static int check_blob(struct checking *c, const uint8_t sha[32], uint64_t size, struct diag *d)
{
	struct db *db = c->db;
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
	} else if (!err && !(err = sha256_new(&h)) && !(err = digest_file(c, f, h, got, &got_size)) &&
		(got_size != size || memcmp(got, sha, sizeof got) != 0)) {
		finding(c, MSG_STORE_CHECK_BLOB_DIFFERS, path);
		tell(c);
	} else if (err == MO_EIO) { /* a bad sector is a finding, not the end of the check */
		finding(c, MSG_STORE_CHECK_BLOB_DIFFERS, path);
		tell(c);
		err = 0;
	} else if (err && f && err != MO_ECANCELED) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_OS_ERROR);
		diag_file(d, path);
		diag_text(d, 0, SPAN_LIT("read"));
		diag_text(d, 1, span_str(mo_err_name(err)));
	}
	sha256_free(h);
	vfs_close(f);
	free(path);
	return err;
}

/* The keys to people's names: whole, and nothing set aside. */
static int check_keys(struct checking *c, struct diag *d)
{
	uint8_t *text = NULL;
	size_t n = 0, n_keys = 0;
	struct people_key *keys = NULL;
	struct vfs_stat st;
	bool damaged = false;
	char *path = vfs_join(c->db->dir, PEOPLE_FILE), *bad = vfs_join(c->db->dir, PEOPLE_BAD);
	int err = path && bad ? vfs_slurp(c->db->vfs, &text, &n, path, PEOPLE_FILE_MAX, NULL) : MO_ENOMEM;
	if (err == 0)
		err = people_keys_read(&keys, &n_keys, &damaged, span_of(text, n));
	people_keys_free(keys, n_keys);
	if (damaged || (err != 0 && err != MO_ENOENT && err != MO_ENOMEM)) {
		finding(c, MSG_STORE_CHECK_KEYS, path);
		tell(c);
	}
	if (err != MO_ENOMEM && vfs_stat(c->db->vfs, bad, &st) == 0) {
		finding(c, MSG_STORE_CHECK_KEYS, bad);
		tell(c);
	}
	if (text)
		crypto_wipe(text, n);
	free(text);
	free(path);
	free(bad);
	return err == MO_ENOMEM ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : 0;
}

/* One statement a blob: a cursor over them all would keep the write-ahead log from being emptied while files are read. */
static int check_blobs(struct checking *c, struct diag *d)
{
	struct db *db = c->db;
	sqlite3_stmt *st = NULL;
	uint8_t sha[32];
	uint64_t size = 0;
	size_t n = 0;
	int err = 0, rc = sqlite3_prepare_v2(db->sq, "SELECT sha256, size FROM blob WHERE sha256>?1 AND length(sha256)=32 ORDER BY sha256 LIMIT 1", -1, &st, NULL);
	while (!err && rc == SQLITE_OK) {
		rc = sqlite3_bind_blob(st, 1, n ? sha : (const uint8_t *)"", (int)n, SQLITE_STATIC);
		if (rc == SQLITE_OK)
			rc = sqlite3_step(st);
		if (rc != SQLITE_ROW)
			break;
		memcpy(sha, db_col_bytes(st, 0).p, sizeof sha);
		n = sizeof sha;
		size = (uint64_t)sqlite3_column_int64(st, 1);
		rc = sqlite3_reset(st);
		err = check_blob(c, sha, size, d);
	}
	if (!err && rc != SQLITE_DONE)
		err = db_error(db, rc, "check", d);
	sqlite3_finalize(st);
	return err;
}

static int check_rows(struct checking *c, struct diag *d)
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
	int err = each(c, "PRAGMA integrity_check", row_integrity, d);
	if (!err)
		err = each(c, "PRAGMA foreign_key_check", row_reference, d);
	if (!err)
		err = each(c, states, row_states, d);
	if (!err)
		err = each(c, counts, row_count, d);
	if (!err)
		err = each(c, docs, row_doc, d);
	if (!err && (err = check_search(c, d)) == MO_ECORRUPT) {
		finding(c, MSG_STORE_CHECK_SEARCH, c->db->path);
		tell(c);
		err = 0;
	}
	return err;
}

/* The pages that failed their checksum, for this check or before: by their numbers. */
static void tell_pages(struct checking *c)
{
	struct sqlitevfs_damage v[SQLITEVFS_DAMAGE_MAX];
	size_t n = sqlitevfs_damaged(c->db->fs, c->db->path, v, SQLITEVFS_DAMAGE_MAX);
	for (size_t i = 0; i < n; i++) {
		db_say_damage(c->db, &v[i], &c->d);
		tell(c);
	}
}

/* A log that was set aside, for as long as it lies there. */
static int check_log(struct checking *c, struct diag *d)
{
	static const char suffix[] = "-wal" LOG_BAD;
	size_t n = strlen(c->db->path);
	struct vfs_stat st;
	char *path = malloc(n + sizeof suffix);
	if (!path)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	memcpy(path, c->db->path, n);
	memcpy(path + n, suffix, sizeof suffix);
	if (vfs_stat(c->db->vfs, path, &st) == 0) {
		finding(c, MSG_STORE_CHECK_LOG_ASIDE, path);
		tell(c);
	}
	free(path);
	return 0;
}

/* So damaged that the statements themselves fail: that is the finding, and the rest is looked at all the same. */
static int went_on(struct checking *c, int err, struct diag *d)
{
	if (err != MO_ECORRUPT)
		return err;
	if (d && d->msg != MSG_STORE_PAGE && d->msg != MSG_STORE_PAGE_IN_LOG && c->say)
		c->say(c->arg, d);
	return 0;
}

static int over(void *arg) { return checking_stopped(arg); }

int store_check_db(struct db *db, bool (*stop)(void *arg), void (*say)(void *arg, const struct diag *d), void *arg, struct diag *d)
{
	struct checking *c = calloc(1, sizeof *c);
	if (!c)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	*c = (struct checking){.db = db, .stop = stop, .say = say, .arg = arg};
	sqlite3_progress_handler(c->db->sq, STEPS, over, c);
	/* Its tables in temp want to be made before the reading begins, and the reader takes no writing. */
	int err = check_search_begin(c, d);
	if (!err)
		err = db_exec(c->db, "BEGIN", d);
	if (!err)
		err = went_on(c, check_rows(c, d), d);
	if (!sqlite3_get_autocommit(c->db->sq) && sqlite3_exec(c->db->sq, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK && !err)
		err = db_error(c->db, SQLITE_ERROR, "check", d);
	if (!err)
		err = went_on(c, check_blobs(c, d), d);
	if (!err)
		err = check_keys(c, d);
	err = went_on(c, err, d);
	tell_pages(c);
	if (!err)
		err = check_log(c, d);
	sqlite3_progress_handler(c->db->sq, 0, NULL, NULL);
	free(c);
	return err;
}

int store_check(struct store_reader *r, bool (*stop)(void *arg), void (*say)(void *arg, const struct diag *d), void *arg, struct diag *d)
{
	return store_check_db(store_reader_db(r), stop, say, arg, d);
}
