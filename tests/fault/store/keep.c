/* What rules of retention take: a closed case, blobs that nothing refers to (one of which comes again before its file went), the audit; each step a
 * commit of its own. A row always has its file, and after the next start a file its row. */
#include <stdio.h>
#include <string.h>

#include "world.h"

#include "store/sweep.h"

#define NOW (1000 * NS_PER_DAY)
#define STEPS 5u

static int put_blob(struct world *w, const char *text, uint8_t sha[32])
{
	struct blob_writer *b = NULL;
	int err = blob_begin(w->s, &b, &w->d);
	if (!err)
		err = blob_write(b, S(text), &w->d);
	if (!err)
		err = blob_end(b, w->s, S("text/csv"), S("a.csv"), sha, &w->d);
	blob_abort(b);
	return err;
}

static int put_case(struct world *w, const char *cause, bool closed)
{
	struct store_case c = {.asset = S("M"), .cause = S(cause), .kind = S("stop"), .begin_ns = 1, .end_ns = 2, .raised_ns = 3, .evidence = S("{}"), .over = true};
	enum store_did did;
	int64_t id = 0;
	int err = store_put_case(w->s, &c, &id, &did, &w->d);
	return err || !closed ? err : store_case_state(w->s, id, CASE_CLOSED, &(struct store_case_note){.who = S("kim"), .note = S("끝")}, 4, &w->d);
}

static int put_all(struct world *w)
{
	uint8_t sha[32];
	enum store_did did;
	char hex[65], json[96];
	int err = 0;
	for (unsigned i = 0; i < 4 && !err; i++)
		err = put_blob(w, (const char *const[]){"a", "b", "c", "kept"}[i], sha);
	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", sha[i]);
	snprintf(json, sizeof json, "{\"picture\":\"%s\"}", hex);
	struct record e = {.type = REC_EVENT, .event = {.id = S("e"), .kind = S("note"), .t_ns = 1, .asset = S("M"), .quantity = 1, .data = S(json)}};
	if (err || (err = store_put_record(w->s, &e, 1, &did, &w->d)) || (err = put_case(w, "x", true)) || (err = put_case(w, "y", false)) ||
		(err = store_audit(w->s, 1, S("kim"), S("x"), S("y"), S("{}"), &w->d)))
		return err;
	return store_audit(w->s, 2, S("kim"), S("x"), S("y"), S("{}"), &w->d);
}

int prepare_keep(struct world *w)
{
	int err = open_with(w, store_migrations, n_store_migrations);
	if (!err)
		err = store_begin(w->s, &w->d);
	if (!err)
		err = put_all(w);
	return err ? err : store_commit(w->s, &w->d);
}

static int step(struct world *w, unsigned at, struct blob_marks *m)
{
	struct store_swept did;
	store_swept_init(&did);
	switch (at) {
	case 0: return store_sweep_cases(w->s, 900 * NS_PER_DAY, NOW, &did, &w->d);
	case 1: return store_sweep_blobs(w->s, m, NOW, &did, &w->d);
	case 2: return put_blob(w, "a", w->sha);
	case 3: return store_sweep_files(w->s, &w->d);
	default: return store_sweep_audit(w->s, 900 * NS_PER_DAY, NOW, &did, &w->d);
	}
}

static int find(struct world *w, struct blob_marks **ret)
{
	struct store_reader *r = NULL;
	int err = store_reader_open(&r, w->vfs, DB, &w->d);
	if (!err)
		err = blob_marks_new(ret, r, 900 * NS_PER_DAY, &w->d);
	while (!err && (err = blob_marks_step(*ret, r, &w->d)) == MO_EAGAIN)
		err = 0;
	store_reader_close(r);
	return err;
}

int run_keep(struct world *w)
{
	struct blob_marks *m = NULL;
	int err = find(w, &m);
	for (unsigned i = 0; i < STEPS && !err; i++) {
		char text[8];
		snprintf(text, sizeof text, "%u", i + 1);
		if ((err = store_begin(w->s, &w->d)))
			break;
		if (!(err = step(w, i, m)))
			err = store_put_mark(w->s, S("step"), S(text), &w->d);
		if (err)
			store_rollback(w->s);
		else if (!(err = store_commit(w->s, &w->d)))
			w->acked = i + 1;
	}
	blob_marks_free(m);
	return err;
}

struct tally {
	struct world *w;
	int64_t n;
	bool within;
};

static int count(void *arg, const char *name)
{
	struct tally *t = arg;
	char path[64];
	if (t->within) {
		t->n++;
		return 0;
	}
	if (strlen(name) != 2)
		return 0;
	snprintf(path, sizeof path, "node/blobs/%s", name);
	t->within = true;
	int err = vfs_list(t->w->vfs, path, count, t);
	t->within = false;
	return err;
}

const char *holds_keep(struct world *w)
{
	static const int64_t left[STEPS + 1][4] = { /* closed cases, notes, blobs, audit */
		{1, 3, 4, 2}, {0, 1, 4, 2}, {0, 1, 1, 2}, {0, 1, 2, 2}, {0, 1, 2, 2}, {0, 1, 2, 0}};
	static const char *const sql[4] = {"SELECT count(*) FROM cases WHERE state='closed'", "SELECT count(*) FROM case_history", "SELECT count(*) FROM blob",
		"SELECT count(*) FROM audit"};
	struct tally files = {.w = w};
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	int64_t done = number_of(w, "SELECT coalesce(max(CAST(CAST(value AS TEXT) AS INTEGER)),0) FROM mark WHERE name='step'");
	if (done < w->acked)
		return "an acknowledged step is lost";
	if (done > w->acked + 1 || done > STEPS)
		return "more than was asked for is there";
	for (unsigned i = 0; i < 4; i++)
		if (number_of(w, sql[i]) != left[done][i])
			return "a step is there by half";
	if (number_of(w, "SELECT count(*) FROM cases WHERE state='open'") != 1 || number_of(w, "SELECT count(*) FROM blob_gone") != 0 ||
		number_of(w, "SELECT count(*) FROM sweeping") != 0)
		return "an open case is gone, or a sweep is not over";
	if (vfs_list(w->vfs, "node/blobs", count, &files) || files.n != left[done][2])
		return "there are not as many files as rows";
	return check_clean(w); /* each row has its file */
}
