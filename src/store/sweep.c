/* Cases and the audit. See sweep.h. */
#include "store/sweep.h"

#include <stdio.h>

#include "store/priv/impl.h"

void store_swept_init(struct store_swept *w) { *w = (struct store_swept){.from_ns = T_NONE, .to_ns = T_NONE}; }

void store_swept_add(struct store_swept *to, const struct store_swept *w)
{
	if (!w->n)
		return;
	to->n += w->n;
	to->bytes += w->bytes;
	if (to->from_ns == T_NONE || w->from_ns < to->from_ns)
		to->from_ns = w->from_ns;
	if (to->to_ns == T_NONE || w->to_ns > to->to_ns)
		to->to_ns = w->to_ns;
	if (w->last > to->last)
		to->last = w->last;
}

static void took(struct store_swept *w, int64_t t_ns) { store_swept_add(w, &(struct store_swept){.n = 1, .from_ns = t_ns, .to_ns = t_ns}); }

static int begin(struct store *s, const char *noun, int64_t before_ns, int64_t now_ns, struct diag *d)
{
	int err = store_writing(s, d);
	if (err)
		return err;
	store_saw(s, now_ns);
	return db_run(&s->db, ST_SWEEPING_ADD, ARGS(sarg_c(noun), sarg_i(before_ns)), d);
}

/* Closes the door again, and says whether there was more. */
static int end(struct store *s, bool more, struct diag *d)
{
	int err = db_run(&s->db, ST_SWEEPING_END, NULL, 0, d);
	return err ? err : more ? MO_EAGAIN : 0;
}

static int drop_case(struct store *s, int64_t id, struct diag *d)
{
	char key[24];
	int n = snprintf(key, sizeof key, "%lld", (long long)id), err;
	if ((err = db_run(&s->db, ST_CASE_NOTES_DROP, ARGS(sarg_i(id)), d)) || (err = db_run(&s->db, ST_CASE_DROP, ARGS(sarg_i(id)), d)))
		return err;
	return store_note(s, NOUN_CASE, span_of(key, (size_t)n), "removed", -1, d);
}

int store_sweep_cases(struct store *s, int64_t before_ns, int64_t now_ns, struct store_swept *ret, struct diag *d)
{
	int64_t id[SWEEP_CASES];
	size_t n = 0;
	sqlite3_stmt *st;
	struct store_swept w;
	store_swept_init(&w);
	int err = begin(s, "case", before_ns, now_ns, d);
	if (err || (err = db_use(&s->db, ST_CASES_CLOSED, ARGS(sarg_i(before_ns), sarg_i(SWEEP_CASES)), &st, d)))
		return err;
	while ((err = db_step(&s->db, st, d)) == 1) {
		id[n++] = sqlite3_column_int64(st, 0);
		took(&w, sqlite3_column_int64(st, 1));
	}
	for (size_t i = 0; i < n && !err; i++)
		err = drop_case(s, id[i], d);
	if (err || ((err = end(s, n == SWEEP_CASES, d)) && err != MO_EAGAIN))
		return err;
	store_swept_add(ret, &w);
	return err;
}

int store_sweep_audit(struct store *s, int64_t before_ns, int64_t now_ns, struct store_swept *ret, struct diag *d)
{
	sqlite3_stmt *st;
	struct store_swept w;
	store_swept_init(&w);
	int err = begin(s, "audit", before_ns, now_ns, d);
	if (err || (err = db_use(&s->db, ST_AUDIT_FIRST, ARGS(sarg_i(SWEEP_AUDIT)), &st, d)))
		return err;
	while ((err = db_step(&s->db, st, d)) == 1 && sqlite3_column_int64(st, 1) < before_ns) {
		w.last = sqlite3_column_int64(st, 0);
		took(&w, sqlite3_column_int64(st, 1));
	}
	if (err == 1) {
		sqlite3_reset(st);
		err = 0;
	}
	if (!err && w.n)
		err = db_run(&s->db, ST_AUDIT_DROP, ARGS(sarg_i(w.last)), d);
	if (err || ((err = end(s, w.n == SWEEP_AUDIT, d)) && err != MO_EAGAIN))
		return err;
	store_swept_add(ret, &w);
	return err;
}

/* (n, from, to, last) of a statement with the limit as its one argument. */
static int would(struct store_reader *r, const char *sql, int64_t before_ns, struct store_swept *ret, struct diag *d)
{
	struct db *db = store_reader_db(r);
	sqlite3_stmt *st = NULL;
	struct store_swept w;
	store_swept_init(&w);
	int rc = sqlite3_prepare_v2(db->sq, sql, -1, &st, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_bind_int64(st, 1, before_ns)) == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		w.n = (uint64_t)sqlite3_column_int64(st, 0);
		if (w.n)
			w.from_ns = sqlite3_column_int64(st, 1), w.to_ns = sqlite3_column_int64(st, 2), w.last = sqlite3_column_int64(st, 3);
		rc = SQLITE_OK;
	}
	int err = rc == SQLITE_OK ? 0 : db_error(db, rc, "read", d);
	sqlite3_finalize(st);
	if (!err)
		store_swept_add(ret, &w);
	return err;
}

int store_would_sweep_cases(struct store_reader *r, int64_t before_ns, struct store_swept *ret, struct diag *d)
{
	return would(r, "SELECT count(*), min(closed_t), max(closed_t), 0 FROM cases WHERE state='closed' AND closed_t<?1", before_ns, ret, d);
}

int store_would_sweep_audit(struct store_reader *r, int64_t before_ns, struct store_swept *ret, struct diag *d)
{
	return would(r, "SELECT count(*), min(t), max(t), max(id) FROM audit WHERE id<coalesce((SELECT min(id) FROM audit WHERE t>=?1),9223372036854775807)",
		before_ns, ret, d);
}
