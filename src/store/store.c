#include <stdlib.h>

#include "base/utf8.h"
#include "codec/json.h"
#include "os/crypto.h"
#include "store/priv/impl.h"
#include "store/priv/logmend.h"
#include "store/priv/migrations.h"

static const char *const noun_names[NOUNS] = {"asset", "signal", "lot", "link", "operation", "event", "characteristic", "state", "case", "doc",
	"blob", "import"};

const char *store_noun_name(enum noun n) { return noun_names[n]; }

unsigned store_version(void) { return n_store_migrations; }

/* Something that opening found and went on with. */
static int found(struct store *s, struct diag *d)
{
	if (!d || s->found)
		return 0; /* nobody asks, or the first that was found is told */
	s->found = malloc(sizeof *s->found);
	if (!s->found)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	*s->found = *d;
	diag_clear(d);
	return 0;
}

const struct diag *store_opened_damaged(const struct store *s) { return s->found; }

size_t store_damage(const struct store *s, size_t i, struct diag *ret)
{
	struct sqlitevfs_damage v[SQLITEVFS_DAMAGE_MAX];
	size_t n = sqlitevfs_damaged(s->db.fs, s->db.path, v, SQLITEVFS_DAMAGE_MAX);
	if (i < n)
		db_say_damage(&s->db, &v[i], ret);
	return n;
}

static int use_wal(struct db *db, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->sq, "PRAGMA journal_mode=wal", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		rc = span_is(db_col_text(st, 0), "wal") ? SQLITE_OK : SQLITE_CANTOPEN;
	else if (rc == SQLITE_DONE)
		rc = SQLITE_CANTOPEN;
	int err = rc == SQLITE_OK ? 0 : db_error(db, rc, "wal", d);
	sqlite3_finalize(st);
	return err;
}

/* The connection and what belongs to it. Before anything is written: is it ours? */
static int connect(struct store *s, struct vfs *vfs, const char *path, unsigned *version, struct diag *d)
{
	int err = db_open(&s->db, vfs, path, true, store_statements, STATEMENTS, d);
	if (!err)
		err = migrations_version(&s->db, version, d);
	return err;
}

static int equip(struct store *s, struct diag *d)
{
	int err = people_functions(s->people, &s->db, d);
	if (!err)
		err = store_digest_function(s, d);
	return err ? err : use_wal(&s->db, d);
}

/* A log that was damaged and set right. */
static int look_at_log(struct store *s, struct diag *d)
{
	struct log_damage log;
	sqlitevfs_log(s->db.fs, s->db.path, &log);
	if (!log.damaged)
		return 0;
	diag_set(d, MO_ECORRUPT, log.lost ? MSG_STORE_LOG_LOST : MSG_STORE_LOG_MENDED);
	diag_file(d, s->db.path);
	diag_int(d, 0, (int64_t)log.frame);
	diag_int(d, 1, (int64_t)log.commits);
	diag_int(d, 2, (int64_t)log.lost);
	return found(s, d);
}

/* Writes it anew where that is wanted. What is too damaged for it is served as it is. */
static int renew(struct store *s, struct vfs *vfs, const char *path, struct diag *d)
{
	unsigned version;
	bool done = false;
	int err = store_rewrite(s, &done, d);
	if (err == MO_ECORRUPT && !done)
		return found(s, d);
	if (err || !done)
		return err;
	if ((err = connect(s, vfs, path, &version, d)) || (err = equip(s, d)))
		return err;
	return db_exec(&s->db, "DELETE FROM meta WHERE name='rewrite'", d);
}

int store_open_with(struct store **ret, struct vfs *vfs, const char *path, const struct migration *steps, unsigned n, struct diag *d)
{
	unsigned version;
	int64_t people = 0, files = 0, gone = 0; /* none in a store that stops before their steps */
	int err = 0;
	struct store *s = calloc(1, sizeof *s);
	if (!s)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	buf_init(&s->scratch, 0);
	if ((err = connect(s, vfs, path, &version, d)))
		goto out;
	if (version > n) {
		err = migrations_run(&s->db, steps, n, d); /* says that it is newer */
		goto out;
	}
	if ((err = people_open(&s->people, vfs, s->db.dir, d)) || (err = equip(s, d)) || (err = look_at_log(s, d)) || (err = migrations_run(&s->db, steps, n, d)) ||
		(err = renew(s, vfs, path, d)) ||
		(err = db_get_i64(&s->db, "SELECT max(number) FROM change", &s->last_change, d)) ||
		(err = db_get_i64(&s->db, "SELECT t FROM change ORDER BY number DESC LIMIT 1", &s->now_ns, d)) || (err = blobs_clean(s, d)) ||
		(err = db_get_i64(&s->db, "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='people'", &people, d)) ||
		(people && ((err = people_load(s->people, &s->db, d)) || (err = store_erase_resume(s, d)))) ||
		(err = db_get_i64(&s->db, "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='person_file'", &files, d)) ||
		(files && (err = person_files_resume(s, d))) ||
		(err = db_get_i64(&s->db, "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='blob_gone'", &gone, d)) ||
		(gone && (err = store_sweep_resume(s, d))))
		goto out;
	*ret = s;
	s = NULL;
out:
	store_close(s);
	return err;
}

int store_open(struct store **ret, struct vfs *vfs, const char *path, struct diag *d)
{
	return store_open_with(ret, vfs, path, store_migrations, n_store_migrations, d);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->open)
		store_rollback(s);
	db_close(&s->db);
	people_close(s->people);
	buf_free(&s->scratch);
	free(s->found);
	free(s);
}

/* ---- transactions ---- */

static int refuse(int err, enum mo_msg msg, struct diag *d) { return diag_set(d, err, msg); }

int store_writing(struct store *s, struct diag *d)
{
	return s->open && !s->broken && !sqlite3_get_autocommit(s->db.sq) ? 0 : refuse(MO_ESTATE, MSG_STORE_NO_TRANSACTION, d);
}

int store_begin(struct store *s, struct diag *d)
{
	int err;
	if (s->open)
		return refuse(MO_ESTATE, MSG_STORE_IN_TRANSACTION, d);
	/* A rollback that found no memory is made up for here. */
	if (!sqlite3_get_autocommit(s->db.sq) && (err = db_run(&s->db, ST_ROLLBACK, NULL, 0, d)))
		return err;
	if ((err = db_run(&s->db, ST_BEGIN, NULL, 0, d)))
		return err;
	s->open = true;
	s->saved = s->broken = false;
	s->begin_change = s->last_change;
	s->begin_added = s->people->added;
	memset(s->tally, 0, sizeof s->tally);
	return 0;
}

/* The keys before the names: a name without its key could never be read. A commit that made nobody does not need the file. */
static int keys_first(struct store *s, struct diag *d)
{
	struct people *p = s->people;
	int err = p->added != s->begin_added && p->stale ? people_load(p, &s->db, d) : 0;
	return err || p->added == s->begin_added ? err : people_keep(p, d);
}

int store_commit(struct store *s, struct diag *d)
{
	int err = store_writing(s, d);
	for (unsigned i = 0; i < NOUNS && !err; i++)
		if (s->tally[i])
			err = db_run(&s->db, ST_TALLY, ARGS(sarg_c(noun_names[i]), sarg_i(s->tally[i])), d);
	if (!err)
		err = keys_first(s, d);
	if (!err)
		err = db_run(&s->db, ST_COMMIT, NULL, 0, d);
	if (err) {
		store_rollback(s);
		return err;
	}
	s->open = s->saved = false;
	return 0;
}

void store_rollback(struct store *s)
{
	if (!s->open)
		return;
	/* SQLite has done it by itself where it had to give up (disk full, no memory). Where it fails, the next store_begin() tries again, and
	 * closing does it in any case. */
	if (!sqlite3_get_autocommit(s->db.sq))
		(void)!db_run(&s->db, ST_ROLLBACK, NULL, 0, NULL);
	s->last_change = s->begin_change;
	s->people->stale |= s->people->added != s->begin_added;
	s->open = s->saved = false;
}

int store_savepoint(struct store *s, struct diag *d)
{
	int err = store_writing(s, d);
	if (err)
		return err;
	if (s->saved)
		return refuse(MO_ESTATE, MSG_STORE_IN_TRANSACTION, d);
	if ((err = db_run(&s->db, ST_SAVE, NULL, 0, d)))
		return err;
	s->saved = true;
	s->save_change = s->last_change;
	s->save_added = s->people->added;
	memcpy(s->save_tally, s->tally, sizeof s->tally);
	return 0;
}

int store_release(struct store *s, struct diag *d)
{
	int err = store_writing(s, d);
	if (err)
		return err;
	if (!s->saved)
		return refuse(MO_ESTATE, MSG_STORE_NO_TRANSACTION, d);
	if ((err = db_run(&s->db, ST_KEEP, NULL, 0, d)))
		return err;
	s->saved = false;
	return 0;
}

void store_undo(struct store *s)
{
	if (!s->saved || store_writing(s, NULL))
		return;
	s->saved = false;
	s->last_change = s->save_change;
	s->people->stale |= s->people->added != s->save_added;
	memcpy(s->tally, s->save_tally, sizeof s->tally);
	/* What can't be undone in part must not be committed in part: only a rollback is left. */
	if (db_run(&s->db, ST_UNDO, NULL, 0, NULL) || db_run(&s->db, ST_KEEP, NULL, 0, NULL))
		s->broken = true;
}

int64_t store_last_change(struct store *s) { return s->last_change; }

/* ---- what every put needs ---- */

void store_saw(struct store *s, int64_t t_ns)
{
	if (t_ns != T_NONE && t_ns > s->now_ns)
		s->now_ns = t_ns;
}

void store_time(struct store *s, int64_t now_ns)
{
	if (now_ns != T_NONE && now_ns > s->clock_ns)
		s->clock_ns = now_ns;
}

int store_note(struct store *s, enum noun noun, struct span key, const char *did, int64_t count, struct diag *d)
{
	int err = db_run(&s->db, ST_NOTE, ARGS(sarg_i(s->now_ns), sarg_c(noun_names[noun]), sarg_s(key), sarg_c(did)), d);
	if (err)
		return err;
	s->last_change = sqlite3_last_insert_rowid(s->db.sq);
	s->tally[noun] += count;
	return 0;
}

int store_noted(struct store *s, enum noun noun, struct span key, enum store_did did, struct diag *d)
{
	if (did == STORE_SAME)
		return 0;
	return store_note(s, noun, key, did == STORE_NEW ? "new" : "changed", did == STORE_NEW, d);
}

int store_uuid(struct store *s, struct uuid *ret, struct diag *d)
{
	int err = os_uuid(ret, s->now_ns);
	if (err) {
		diag_set(d, err, MSG_STORE_FAILED);
		diag_file(d, s->db.path);
		diag_text(d, 0, span_str("uuid"));
		diag_text(d, 1, span_str(mo_err_name(err)));
	}
	return err;
}

/* By our reader, not by SQLite's json_valid(): that one says "not valid" when it finds no memory. */
int store_json_object(struct span json, const char *field, struct diag *d)
{
	struct json_reader *r = NULL;
	enum json_token t = JSON_MORE;
	if (!json.n)
		return 0;
	int err = json_reader_new(&r, false);
	if (err)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	json_feed(r, json);
	json_end(r);
	err = json_next(r, &t, NULL, d);
	if (!err && t != JSON_OBJECT) {
		err = diag_set(d, MO_EINVAL, MSG_STORE_JSON);
		diag_value(d, json);
	}
	while (!err && t != JSON_DONE)
		err = json_next(r, &t, NULL, d);
	if (err == MO_EINVAL)
		diag_field(d, span_str(field));
	json_reader_free(r);
	return err;
}

int store_text(struct span text, const char *field, size_t max, struct diag *d)
{
	if (text.n > 0 && text.n <= max && utf8_valid(text))
		return 0;
	char expected[32];
	struct buf b;
	buf_init(&b, sizeof expected);
	diag_set(d, MO_EINVAL, MSG_STORE_TEXT);
	diag_field(d, span_str(field));
	diag_value(d, text);
	buf_printf(&b, "1..%zu%c", max, 0);
	diag_expected(d, b.err ? "" : (const char *)b.p);
	buf_free(&b);
	return MO_EINVAL;
}
