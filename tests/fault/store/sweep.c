/* The store under faults: a fresh open, commits, a migration, a blob; each file
 * operation and each allocation (ours, SQLite's) fails once, in turn, or the
 * power goes there. The oracle: what was acknowledged is there, what was not
 * asked for is not, nothing is there by half, the next start works, the check
 * finds nothing. A planted missing sync has to be noticed. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "copytree.h"
#include "world.h"

#include "store/accounts.h"
#include "store/outbox.h"
#include "store/priv/check.h"

#define PER_BATCH 10
/* Passes a kind takes at least; a scenario has eight, so some 900 passes. */
#define PASSES_POWER 250u
#define PASSES_OTHER 80u

/* ---- SQLite's allocations ---- */

static sqlite3_mem_methods under;
static uint64_t sql_armed, sql_count;

static void *sql_malloc(int n) { return ++sql_count == sql_armed ? NULL : under.xMalloc(n); }
static void *sql_realloc(void *p, int n) { return ++sql_count == sql_armed ? NULL : under.xRealloc(p, n); }

static void sql_arm(uint64_t nth)
{
	sql_armed = nth;
	sql_count = 0;
}

static uint64_t sql_counted(void) { return sql_count; }

static const struct sweep_other sqlite_memory = {"SQLite's allocation", sql_arm, sql_counted};

static int put_lot(struct world *w, const char *prefix, unsigned batch, unsigned i)
{
	char number[48];
	enum store_did did;
	snprintf(number, sizeof number, "%s-%u-%u", prefix, batch, i);
	struct record r = {.type = REC_LOT, .lot = {.key = {S("F"), S(number)}, .item = S("HLD-A"), .made_ns = T_NONE, .quantity = 40}};
	return store_put_record(w->s, &r, NS_PER_DAY, &did, &w->d);
}

static int put_batch(struct world *w, const char *prefix, unsigned batch, bool commit)
{
	int err = store_begin(w->s, &w->d);
	for (unsigned i = 0; i < PER_BATCH && !err; i++)
		err = put_lot(w, prefix, batch, i);
	if (!err && commit)
		return store_commit(w->s, &w->d);
	store_rollback(w->s);
	return err;
}

/* ---- questions of the oracle: one connection for all of them, which reads the schema once ---- */

static int asking(struct world *w)
{
	if (w->asks)
		return 0;
	int err = db_open(&w->q, w->vfs, DB, false, NULL, 0, NULL);
	w->asks = !err;
	return err;
}

static void asked(struct world *w)
{
	if (w->asks)
		db_close(&w->q);
	w->asks = false;
}

int64_t number_of(struct world *w, const char *sql)
{
	int64_t v = -1;
	if (asking(w))
		return -2;
	return db_get_i64(&w->q, sql, &v, NULL) ? -3 : v;
}

int64_t number_in(struct world *w, const char *path, const char *sql)
{
	struct db db;
	int64_t v = -1;
	if (db_open(&db, w->vfs, path, false, NULL, 0, NULL))
		return -2;
	if (db_get_i64(&db, sql, &v, NULL))
		v = -3;
	db_close(&db);
	return v;
}

static void say(void *arg, const struct diag *d)
{
	if (*(unsigned *)arg == 0)
		printf("  check: %s (%s)\n", d->arg[0].text, d->file);
	++*(unsigned *)arg;
}

const char *check_clean(struct world *w)
{
	unsigned n = 0;
	if (asking(w) || store_check_db(&w->q, NULL, say, &n, NULL))
		return "the check failed";
	return n ? "the check found something" : NULL;
}

int open_with(struct world *w, const struct migration *steps, unsigned n)
{
	asked(w); /* a start has the files for itself */
	return store_open_with(&w->s, w->vfs, DB, steps, n, &w->d);
}

/* ---- scenarios ---- */

static int prepare_nothing(struct world *w)
{
	(void)w;
	return 0;
}

static int run_open(struct world *w)
{
	int err = open_with(w, store_migrations, n_store_migrations);
	w->opened = !err;
	return err;
}

static const char *holds_open(struct world *w)
{
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	if (put_batch(w, "after", 0, true))
		return "it takes nothing";
	return check_clean(w);
}

static int prepare_commit(struct world *w)
{
	int err = open_with(w, store_migrations, n_store_migrations);
	return err ? err : put_batch(w, "before", 0, true);
}

static int run_commit(struct world *w)
{
	for (unsigned b = 0; b < 2; b++) {
		int err = put_batch(w, "lot", b, true);
		if (err)
			return err;
		w->acked++;
		if ((err = put_batch(w, "never", b, false)))
			return err;
	}
	return 0;
}

static const char *holds_commit(struct world *w)
{
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	if (number_of(w, "SELECT count(*) FROM lot WHERE number GLOB 'before-*'") != PER_BATCH)
		return "what was there before is not";
	if (number_of(w, "SELECT count(*) FROM lot WHERE number GLOB 'never-*'") != 0)
		return "what was never committed is there";
	int64_t n = number_of(w, "SELECT count(*) FROM lot WHERE number GLOB 'lot-*'"), batches = n / PER_BATCH;
	if (n < 0 || n % PER_BATCH)
		return "a commit is there by half";
	if (batches < w->acked)
		return "an acknowledged commit is lost";
	if (batches > w->acked + 1)
		return "more than was asked for is there";
	if (number_of(w, "SELECT count(*) FROM change") != number_of(w, "SELECT max(number) FROM change"))
		return "the feed has a hole";
	return check_clean(w);
}

/* From version 1 by the steps there are, and one that changes rows. */
static const struct migration to_next[] = {
	{store_schema_v1},
	{store_schema_v2},
	{store_schema_v3},
	{"ALTER TABLE lot ADD COLUMN colour TEXT; UPDATE lot SET colour='grey'; CREATE INDEX lot_colour ON lot(colour);"},
};

#define NEXT ((unsigned)(sizeof to_next / sizeof *to_next))

static int prepare_migrate(struct world *w)
{
	int err = open_with(w, store_migrations, 1);
	return err ? err : put_batch(w, "before", 0, true);
}

static int run_migrate(struct world *w)
{
	int err = open_with(w, to_next, NEXT);
	w->opened = !err;
	return err;
}

static const char *holds_migrate(struct world *w)
{
	int64_t version = number_of(w, "PRAGMA user_version");
	if (version < 1 || version > (int64_t)NEXT)
		return "the version is neither old nor new";
	if (w->opened && version != (int64_t)NEXT)
		return "the migration was acknowledged and is gone";
	if (version >= 2 && (number_in(w, DB ".v1", "PRAGMA user_version") != 1 || number_in(w, DB ".v1", "SELECT count(*) FROM lot") != PER_BATCH))
		return "there is no whole copy of the old version";
	if (open_with(w, to_next, NEXT))
		return "it does not open";
	if (number_of(w, "SELECT count(*) FROM account") != 0)
		return "accounts are not there, or not empty";
	if (number_of(w, "SELECT count(*) FROM lot WHERE colour='grey'") != PER_BATCH)
		return "the migration is there by half";
	return check_clean(w);
}

#define BLOB_BYTES 150000u
static uint8_t blob_bytes[BLOB_BYTES];

static int prepare_store(struct world *w) { return open_with(w, store_migrations, n_store_migrations); }

static int run_blob(struct world *w)
{
	struct blob_writer *b = NULL;
	int err = blob_begin(w->s, &b, NULL);
	for (size_t at = 0; at < BLOB_BYTES && !err; at += 50000)
		err = blob_write(b, span_of(blob_bytes + at, 50000), NULL);
	if (!err && !(err = store_begin(w->s, &w->d))) {
		err = blob_end(b, w->s, S("audio/wav"), S("소리.wav"), w->sha, NULL);
		if (!err && !(err = store_commit(w->s, &w->d)))
			w->acked = 1;
		store_rollback(w->s);
	}
	blob_abort(b);
	return err;
}

static int leftover(void *arg, const char *name)
{
	*(bool *)arg |= strncmp(name, "new-", 4) == 0;
	return 0;
}

static const char *holds_blob(struct world *w)
{
	bool left = false;
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	int64_t n = number_of(w, "SELECT count(*) FROM blob");
	if (n < (int64_t)w->acked)
		return "an acknowledged blob is lost";
	int err = vfs_list(w->vfs, "node/blobs", leftover, &left);
	if ((err && err != MO_ENOENT) || left)
		return "an unfinished blob was left";
	return check_clean(w); /* each row has its file, with the content that its name says */
}

/* ---- one of each kind, then everything read ---- */

static bool named(void *arg, struct span name, struct span *label, struct span *unit)
{
	(void)arg, (void)name;
	*label = S("온도");
	*unit = S("°C");
	return true;
}

static int put_each(struct world *w)
{
	struct lot_key lot = {S("F"), S("L-1")}, parent = {S("F"), S("R-1")};
	const struct record records[] = {
		{.type = REC_ASSET, .asset = {.code = S("M"), .name = S("사출기"), .kind = ASSET_MACHINE, .parent = S("L1")}},
		{.type = REC_LINK, .link = {.parent = parent, .child = lot, .quantity = NAN}},
		{.type = REC_OPERATION, .operation = {.id = S("o"), .machine = S("M"), .lot = lot, .person = S("p"), .start_ns = 1, .end_ns = 2, .good = 1,
			.rework = NAN, .scrap = NAN, .concession = NAN}},
		{.type = REC_EVENT, .event = {.id = S("e"), .kind = S("note"), .t_ns = 1, .lot = lot, .quantity = NAN, .text = S("보류"), .data = S("{}")}},
		{.type = REC_CHARACTERISTIC, .characteristic = {.id = S("c"), .lot = lot, .name = S("w"), .value = 1, .lower = NAN, .upper = NAN, .judged = 1,
			.t_ns = 1}},
	};
	const struct store_state st[] = {{0, 5, MSTATE_RUNNING, 0}, {5, 9, MSTATE_STOPPED, 3}};
	const struct store_signal sig = {.series = {{1}}, .asset = S("M"), .name = S("t"), .unit = S("C"), .source = S("http")};
	const struct store_case k = {.asset = S("M"), .cause = S("stop"), .kind = S("stop"), .begin_ns = 5, .end_ns = 9, .raised_ns = 9, .over = true,
		.evidence = S("{\"n\":1}")};
	const uint8_t digest[32] = {1};
	enum store_did did;
	int64_t id = 0, version;
	int err = 0;
	for (size_t i = 0; i < sizeof records / sizeof records[0] && !err; i++)
		err = store_put_record(w->s, &records[i], 10, &did, &w->d);
	if (err || (err = store_put_states(w->s, S("M"), 0, 9, st, 2, &w->d)) || (err = store_put_signal(w->s, &sig, &did, &w->d)) ||
		(err = store_name_signals(w->s, S("M"), named, NULL, &w->d)) ||
		(err = store_put_case(w->s, &k, &id, &did, &w->d)) || (err = store_case_state(w->s, id, CASE_SEEN, &(struct store_case_note){.who = S("kim"), .note = S("봄")}, 11, &w->d)) ||
		(err = store_put_doc(w->s, DOC_DEVICE, S("d"), S("{}"), -1, S("kim"), 12, &version, NULL)) ||
		(err = store_put_doc(w->s, DOC_DEVICE, S("d"), S("{\"a\":1}"), 1, S("kim"), 12, &version, NULL)) ||
		(err = store_undo_doc(w->s, DOC_DEVICE, S("d"), S("kim"), 13, &version, &w->d)) ||
		(err = store_idem_put(w->s, S("key"), digest, S("answer"), 13, &w->d)) || (err = store_put_mark(w->s, S("m"), S("v"), &w->d)) ||
		(err = store_put_import(w->s, S("i"), S("f.csv"), digest, S("done"), S("{}"), 13, NULL)) ||
		(err = store_audit(w->s, 13, S("kim"), S("x"), S("d"), S("{}"), NULL)))
		return err;
	return 0;
}

static int read_each(struct store_reader *r)
{
	struct buf b;
	struct arena a;
	struct gen_tree t;
	int64_t id = 0, version;
	int err = 0;
	buf_init(&b, 0);
	arena_init(&a, 0);
	for (unsigned q = 0; q < STORE_QUERIES && !err; q++) {
		struct store_arg args[8];
		struct table_cursor *c = NULL;
		struct table_batch batch = {.n_rows = 1};
		for (unsigned i = 0; i < 8; i++)
			args[i] = sarg_null();
		unsigned n = store_query_def((enum store_query)q)->n_args;
		if (n)
			args[n - 1] = q == SQ_SEARCH || q == SQ_LOTS ? sarg_i(9) : sarg_i(1);
		if (q == SQ_SEARCH || q == SQ_LOTS)
			args[0] = sarg_s(S("l-1"));
		err = store_select(r, &c, (enum store_query)q, args, n, NULL);
		while (!err && batch.n_rows)
			err = table_next(c, &batch, NULL);
		table_close(c);
	}
	if (err || (err = store_get_mark(r, S("m"), &b, NULL)) || (err = store_get_doc(r, DOC_DEVICE, S("d"), &b, &version, NULL)) ||
		(err = store_lot_id(r, (struct lot_key){S("F"), S("R-1")}, &id, NULL)) ||
		(err = genealogy_walk(&t, &a, id, true, 0, 0, store_links, r, NULL)))
		goto out;
out:
	buf_free(&b);
	arena_free(&a);
	return err;
}

static int run_each(struct world *w)
{
	struct store_reader *r = NULL;
	struct buf answer;
	const uint8_t digest[32] = {1};
	int err = store_begin(w->s, &w->d);
	if (err)
		return err;
	if (!(err = store_savepoint(w->s, &w->d)) && !(err = put_lot(w, "never", 0, 0))) {
		store_undo(w->s);
		err = put_each(w);
		if (err == MO_ESTATE)
			err = MO_ENOMEM; /* the undo had no memory: by contract only the rollback is left */
	}
	if (err) {
		store_rollback(w->s);
		return err;
	}
	if ((err = store_commit(w->s, &w->d)))
		return err;
	w->acked = 1;
	buf_init(&answer, 0);
	if (!(err = store_idem_get(w->s, S("key"), digest, &answer, NULL)) && !(err = store_reader_open(&r, w->vfs, DB, NULL)))
		err = read_each(r);
	store_reader_close(r);
	buf_free(&answer);
	return err;
}

static const char *holds_each(struct world *w)
{
	static const char *const tables[] = {"operation", "event", "characteristic", "state", "signal", "cases", "doc", "mark", "import", "audit", "lot_link"};
	char sql[64];
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	bool any = number_of(w, "SELECT count(*) FROM event") > 0;
	if (w->acked && !any)
		return "an acknowledged commit is lost";
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", tables[i]);
		if ((number_of(w, sql) > 0) != any)
			return "a commit is there by half";
	}
	if (number_of(w, "SELECT count(*) FROM lot WHERE number GLOB 'never-*'") != 0)
		return "what was undone is there";
	return check_clean(w);
}

/* ---- accounts: made, logged in, a password changed, a token made and revoked; each step a commit of its own ---- */

#define HASH(salt) "$scrypt$ln=15,r=8,p=1$" salt "AAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
static const uint8_t session_key[KEY_BYTES] = {1}, second_key[KEY_BYTES] = {2}, token_key[KEY_BYTES] = {3};

static int account_step(struct world *w, unsigned step)
{
	const struct store_account_put owner = {.name = S("kim"), .hash = S(HASH("A")), .now_ns = 1}, again = {.name = S("kim"), .hash = S(HASH("B")), .now_ns = 3};
	const struct store_account_put other = {.name = S("lee"), .hash = S(HASH("C")), .role = ROLE_QUALITY, .uuid = {{1}}, .now_ns = 2};
	const struct store_token t = {.name = S("gateway"), .key = token_key, .permissions = permission_bit(PERMISSION_WRITE), .maker = S("kim"), .now_ns = 4,
		.expires_ns = T_NONE};
	struct store_account_got got;
	int64_t id;
	int err;
	switch (step) {
	case 0:
		err = store_account_put(w->s, &owner, &got, &w->d);
		return err ? err : store_account_put(w->s, &other, &got, &w->d);
	case 1:
		err = store_session_put(w->s, session_key, 1, S(HASH("A")), 2, 100, &w->d);
		return err ? err : store_session_put(w->s, second_key, 2, S(HASH("C")), 2, 100, &w->d);
	case 2:
		return store_account_put(w->s, &again, &got, &w->d); /* ends the first session */
	case 3:
		return store_token_put(w->s, &t, &id, &w->d);
	case 4:
		err = store_account_drop(w->s, S("lee"), &id, &w->d);
		return err ? err : store_token_seen(w->s, 1, 5, &w->d);
	default:
		return store_token_revoke(w->s, 1, 5, &w->d);
	}
}
#define ACCOUNT_STEPS 6u

static int run_accounts(struct world *w)
{
	for (unsigned i = 0; i < ACCOUNT_STEPS; i++) {
		int err = store_begin(w->s, &w->d);
		if (!err)
			err = account_step(w, i);
		if (!err)
			err = store_audit(w->s, 5, S("local"), S("step"), S("x"), S("{}"), &w->d);
		if (err) {
			store_rollback(w->s);
			return err;
		}
		if ((err = store_commit(w->s, &w->d)))
			return err;
		w->acked = i + 1;
	}
	return 0;
}

/* The steps are told from each other by what they leave. */
static const char *holds_accounts(struct world *w)
{
	static const int64_t left[ACCOUNT_STEPS + 1][5] = { /* accounts, sessions, changed passwords, tokens, revoked */
		{0, 0, 0, 0, 0}, {2, 0, 0, 0, 0}, {2, 2, 0, 0, 0}, {2, 1, 1, 0, 0}, {2, 1, 1, 1, 0}, {1, 0, 1, 1, 0}, {1, 0, 1, 1, 1}};
	static const char *const sql[5] = {"SELECT count(*) FROM account", "SELECT count(*) FROM session", "SELECT count(*) FROM account WHERE changed=3",
		"SELECT count(*) FROM token", "SELECT count(*) FROM token WHERE revoked=5"};
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	int64_t done = number_of(w, "SELECT count(*) FROM audit");
	if (done < w->acked)
		return "an acknowledged step is lost";
	if (done > w->acked + 1 || done > ACCOUNT_STEPS)
		return "more than was asked for is there";
	for (unsigned i = 0; i < 5; i++)
		if (number_of(w, sql[i]) != left[done][i])
			return "a step is there by half";
	return check_clean(w);
}

/* ---- a sink: made, messages sent, one refused and sent again, changes left out and told, removed; each step a commit of its own ---- */

static int outbox_step(struct world *w, unsigned step)
{
	const struct uuid node = {{1}};
	int64_t id = 1, version;
	int err;
	switch (step) {
	case 0:
		err = store_put_doc(w->s, DOC_SINK, S("erp"), S("{}"), -1, S("kim"), 1, &version, &w->d);
		return err ? err : store_outbox_put(w->s, S("erp"), &node, 10, &id, &w->d);
	case 1:
		return store_outbox_sent(w->s, id, 20, 7, 2, &w->d);
	case 2:
		return store_outbox_aside(w->s, id, 21, 422, S("no"), 3, &w->d);
	case 3:
		return store_outbox_again(w->s, S("erp"), 1, &w->d);
	case 4:
		return store_outbox_arrived(w->s, id, 21, 4, &w->d);
	case 5:
		return store_outbox_gap(w->s, id, 50, &w->d);
	case 6:
		return store_outbox_told(w->s, id, 50, 5, &w->d);
	default:
		err = store_put_doc(w->s, DOC_SINK, S("erp"), span_of(NULL, 0), -1, S("kim"), 6, &version, &w->d);
		return err ? err : store_outbox_drop(w->s, S("erp"), &w->d);
	}
}
#define OUTBOX_STEPS 8u

static int run_outbox(struct world *w)
{
	for (unsigned i = 0; i < OUTBOX_STEPS; i++) {
		int err = store_begin(w->s, &w->d);
		if (!err)
			err = outbox_step(w, i);
		if (!err)
			err = store_audit(w->s, 5, S("local"), S("step"), S("x"), S("{}"), &w->d);
		if (err) {
			store_rollback(w->s);
			return err == MO_ENOENT ? MO_EBUG : err; /* the row is there: nothing else may say so */
		}
		if ((err = store_commit(w->s, &w->d)))
			return err;
		w->acked = i + 1;
	}
	return 0;
}

static const char *holds_outbox(struct world *w)
{
	static const int64_t left[OUTBOX_STEPS + 1][6] = { /* sinks, cursor, sent, set aside, waiting to go again, end of the gap */
		{0, 0, 0, 0, 0, 0}, {1, 10, 0, 0, 0, 0}, {1, 20, 7, 0, 0, 0}, {1, 21, 7, 1, 0, 0}, {1, 21, 7, 1, 1, 0}, {1, 21, 8, 0, 0, 0}, {1, 50, 8, 0, 0, 50},
		{1, 50, 8, 0, 0, 0}, {0, 0, 0, 0, 0, 0}};
	static const char *const sql[6] = {"SELECT count(*) FROM doc WHERE class='sink' AND json IS NOT NULL", "SELECT coalesce(sum(cursor),0) FROM outbox",
		"SELECT coalesce(sum(sent),0) FROM outbox", "SELECT count(*) FROM outbox_aside", "SELECT count(*) FROM outbox_aside WHERE again=1",
		"SELECT coalesce(sum(gap_to),0) FROM outbox"};
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	int64_t done = number_of(w, "SELECT count(*) FROM audit");
	if (done < w->acked)
		return "an acknowledged step is lost";
	if (done > w->acked + 1 || done > OUTBOX_STEPS)
		return "more than was asked for is there";
	for (unsigned i = 0; i < 6; i++)
		if (number_of(w, sql[i]) != left[done][i])
			return "a step is there by half";
	return check_clean(w);
}

static const struct scenario scenarios[] = {
	{"open", prepare_nothing, false, run_open, holds_open},
	{"commit", prepare_commit, true, run_commit, holds_commit},
	{"migrate", prepare_migrate, false, run_migrate, holds_migrate},
	{"blob", prepare_store, true, run_blob, holds_blob},
	{"each", prepare_store, true, run_each, holds_each},
	{"accounts", prepare_store, true, run_accounts, holds_accounts},
	{"people", prepare_store, true, run_people, holds_people},
	{"names", prepare_names, false, run_names, holds_names},
	{"tails", prepare_tails, false, run_names, holds_tails},
	{"log", prepare_log, false, run_names, holds_log},
	{"files", prepare_store, true, run_files, holds_files},
	{"outbox", prepare_store, true, run_outbox, holds_outbox},
	{"keep", prepare_keep, true, run_keep, holds_keep},
};
#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

/* ---- passes ---- */

static struct nosync lie; /* what is planted in a pass's files; nothing, unless it names syncs */

/* What a scenario finds, made once: the steps of a schema take longer than all else of a pass. Where the store is open when the scenario runs it
 * stays so here, so that the log that nobody has taken over yet is copied as well: its checkpoint is among what can fail. */
static struct vfs *base_of(const struct scenario *sc)
{
	static const struct scenario *made;
	static struct vfs *base;
	static struct world w;
	if (made == sc)
		return base;
	store_close(w.s);
	vfs_free(base);
	w = (struct world){0};
	made = NULL;
	assert_int_equal(memvfs_new(&base, 1), 0);
	w.mem = w.vfs = base;
	assert_int_equal(vfs_mkdir(base, "node", false), 0);
	assert_int_equal(sc->prepare(&w), 0);
	if (!sc->opened) {
		store_close(w.s);
		w.s = NULL;
	}
	made = sc;
	return base;
}

static void world_new(struct world *w, const struct scenario *sc, uint64_t seed)
{
	struct vfs *base = base_of(sc);
	*w = (struct world){0};
	assert_int_equal(memvfs_new(&w->mem, seed), 0);
	copy_tree(base, w->mem, "node");
	w->vfs = w->mem;
	if (lie.files || lie.folders) {
		w->liar = lie;
		w->liar.below = w->mem;
		w->vfs = &w->liar.v;
	}
	if (sc->opened)
		assert_int_equal(open_with(w, store_migrations, n_store_migrations), 0);
}

void world_shut(struct world *w)
{
	asked(w);
	store_close(w->s);
	w->s = NULL;
}

static void world_free(struct world *w)
{
	world_shut(w);
	vfs_free(w->mem);
}

static const char *holds(const struct scenario *sc, struct world *w)
{
	const char *wrong = sc->holds(w);
	asked(w);
	return wrong;
}

/* Errors that may be told in a mode. SQLite tells a file that can't be read as one that can't be opened, or as damaged where it had to be right. */
static bool is_clean(enum sweep_kind k, int err)
{
	bool memory = k == SWEEP_MEMORY || k == SWEEP_OTHER;
	if (err == 0 || err == MO_ENOMEM)
		return err == 0 || memory;
	return !memory && (err == MO_EIO || (err == MO_EFULL && k == SWEEP_FULL));
}

static const char *pass(void *arg, struct sweep_pass *p)
{
	static sqlite3_int64 memory;
	static char text[512];
	const struct scenario *sc = arg;
	struct world w;
	const char *wrong = NULL;
	world_new(&w, sc, p->seed);
	sweep_arm(p, w.mem);
	int err = sc->run(&w);
	if (p->kind >= SWEEP_MEMORY)
		sweep_disarm(p);
	world_shut(&w);
	sweep_disarm(p);
	if (!is_clean(p->kind, err) || (err && !p->fired)) {
		snprintf(text, sizeof text, "the error is %s (%s: %s)", mo_err_name(err), w.d.arg[0].text, w.d.arg[1].text);
		wrong = text;
	}
	sweep_cut(p, w.mem);
	if (p->kind == SWEEP_EVER)
		memvfs_crash(w.mem, true);
	if (!wrong)
		wrong = holds(sc, &w);
	/* What it found has to be as durable as what it was told before: once more after the power went. */
	if (!wrong && !sweep_is_cut(p)) {
		memvfs_crash(w.mem, true);
		world_shut(&w);
		memvfs_crash(w.mem, true);
		wrong = holds(sc, &w);
	}
	world_free(&w);
	if (!wrong && p->nth != SWEEP_NONE && sqlite3_memory_used() != memory)
		wrong = "memory leaked";
	memory = sqlite3_memory_used();
	return wrong;
}

static const char *only; /* one scenario */

static void test_sweeps(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENARIOS; i++)
		if (!only || strcmp(only, scenarios[i].name) == 0)
			sweep_run(&(struct sweep){.name = scenarios[i].name, .pass = pass, .arg = (void *)(uintptr_t)&scenarios[i], .kinds = SWEEP_ALL | SWEEP_BIT(SWEEP_OTHER),
				.least = PASSES_OTHER, .least_cuts = PASSES_POWER, .share = 3, .other = &sqlite_memory});
}

/* Each allocation of a rollback fails once: whatever became of it, what follows is a commit like any other. */
static void test_rollback(void **state)
{
	(void)state;
	uint64_t n = 1;
	for (uint64_t nth = 1; nth <= n; nth++) {
		struct world w;
		world_new(&w, &scenarios[1], nth);
		assert_int_equal(store_begin(w.s, &w.d), 0);
		assert_int_equal(put_lot(&w, "never", 0, 0), 0);
		sql_arm(nth);
		store_rollback(w.s);
		n = nth == 1 && sql_count > n ? sql_count : n;
		sql_arm(0);
		assert_int_equal(put_batch(&w, "lot", 0, true), 0);
		assert_int_equal(number_of(&w, "SELECT count(*) FROM lot WHERE number GLOB 'never-*'"), 0);
		assert_int_equal(number_of(&w, "SELECT count(*) FROM lot WHERE number GLOB 'lot-*'"), PER_BATCH);
		assert_null(check_clean(&w));
		world_free(&w);
	}
	printf("rollback: %llu allocations\n", (unsigned long long)n);
}

/* ---- planted ---- */

/* How many passes notice that syncs are skipped: of files whose path holds this; NULL: of folders. */
static unsigned noticed(const struct scenario *sc, const char *only_files)
{
	unsigned n = 0;
	struct sweep_pass clean = {.kind = SWEEP_CUT_ALL, .nth = SWEEP_NONE, .seed = 1};
	assert_null(pass((void *)(uintptr_t)sc, &clean));
	nosync_init(&lie, NULL);
	lie.files = only_files != NULL;
	lie.folders = !only_files;
	lie.only = only_files;
	for (uint64_t at = 1; at <= clean.ops + 1; at++) {
		struct sweep_pass p = {.kind = SWEEP_CUT_ALL, .nth = at, .seed = at};
		n += pass((void *)(uintptr_t)sc, &p) != NULL;
	}
	lie.files = lie.folders = false;
	printf("%s, without syncs of %s: %u of %u\n", sc->name, only_files ? only_files : "folders", n, (unsigned)clean.ops + 1);
	return n;
}

static int prepare_shut(struct world *w)
{
	int err = prepare_commit(w);
	world_shut(w);
	return err;
}

static void test_planted(void **state)
{
	static const struct scenario new_log = {"commit to a new log", prepare_shut, true, run_commit, holds_commit};
	(void)state;
	assert_true(noticed(&scenarios[1], "-wal") > 0);    /* a commit that is not synced */
	assert_true(noticed(&new_log, NULL) > 0);           /* a WAL whose name is not */
	assert_true(noticed(&scenarios[2], ".v1.tmp") > 0); /* a snapshot that is not */
	assert_true(noticed(&scenarios[3], NULL) > 0);      /* a blob whose name is not */
	/* and with honest syncs the same passes notice nothing: test_sweeps() */
}

/* sweep [TEST [SCENARIO]]: one of them, or all. */
int main(int argc, char **argv)
{
	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &under) != SQLITE_OK)
		return 1;
	sqlite3_mem_methods ours = under;
	ours.xMalloc = sql_malloc;
	ours.xRealloc = sql_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK || sqlite3_initialize() != SQLITE_OK)
		return 1;
	for (size_t i = 0; i < BLOB_BYTES; i++)
		blob_bytes[i] = (uint8_t)(i * 7 + i / 256);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	only = argc > 2 ? argv[2] : NULL;
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rollback), sweep_test(test_sweeps), cmocka_unit_test(test_planted)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
