/* Sweeps over one history that writes, syncs, flushes, merges, reopens: every
 * file operation fails in turn. The oracle: what a successful sync covered is
 * there after the next start, no batch is there in half, every error has
 * words, and the engine goes on. */

#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "model.h"
#include "nosync.h"
#include "sweep.h"

#define BATCHES 60u
#define PASSES 190u /* of a kind, at least */

struct run {
	struct vfs *mem, *vfs; /* vfs: what the engine gets */
	struct sdb *db;
	struct mbatch *batch;
	size_t n, synced; /* appended; covered by a successful sync */
	bool off;         /* the power went: nothing more can be done */
	uint64_t errors;
	char bad[400];
};

#define BAD(r, ...) (snprintf((r)->bad, sizeof(r)->bad, __VA_ARGS__), false)

static void make_batches(struct mbatch *b)
{
	struct prng r;
	struct model m;
	int64_t clock = 1000 * NS_PER_S;
	prng_seed(&r, 11);
	model_init(&m);
	for (size_t k = 0; k < BATCHES; k++) {
		b[k].n = 1 + prng_below(&r, 40);
		b[k].arr = clock;
		for (size_t i = 0; i < b[k].n; i++) {
			struct mpoint *p = &b[k].p[i];
			*p = (struct mpoint){.id = 1 + (series_id)prng_below(&r, MODEL_SERIES), .v = prng_below(&r, 90)};
			clock += prng_below(&r, 6) ? NS_PER_S : 0;
			p->t = prng_below(&r, 5) ? clock : clock - (int64_t)prng_below(&r, 300) * NS_PER_S;
			p->seq = m.s[p->id - 1].kind == SERIES_SEQUENCE ? prng_below(&r, 3) : 0;
			p->q = prng_below(&r, 9) ? Q_GOOD : Q_BAD;
		}
	}
	model_free(&m);
}

/* An error of the engine: it must say something, and be one that the call may give. */
static bool clear_error(struct run *r, int err, const struct diag *d, const char *what)
{
	r->errors++;
	if (d->msg == MSG_NONE || d->err != err)
		return BAD(r, "%s gives %d without words (%d)", what, err, (int)d->msg);
	if (err != MO_EIO && err != MO_EFULL && err != MO_ESTATE)
		return BAD(
		        r, "%s gives %d: message %d, %.60s %.40s %lld", what, err, (int)d->msg, d->file, d->field, (long long)d->arg[0].i);
	return true;
}

static bool compare(struct run *r, size_t n, struct model *m)
{
	model_free(m);
	model_init(m);
	for (size_t i = 0; i < n; i++)
		model_apply(m, &r->batch[i], NULL);
	const char *bad = model_compare(m, r->db);
	return !bad || BAD(r, "%s (behind batch %zu)", bad, n);
}

/* Which prefix of the history stands there. */
static bool find_state(struct run *r)
{
	struct model m = {0};
	model_init(&m);
	bool ok = false;
	if (sdb_max_id(r->db) < MODEL_SERIES) { /* power went before the definitions were synced */
		r->n = 0;
		model_free(&m);
		return r->synced == 0 || BAD(r, "%u series left after a sync", sdb_max_id(r->db));
	}
	for (size_t n = r->n + 1; !ok && n-- > r->synced;)
		if ((ok = compare(r, n, &m)))
			r->n = n;
	model_free(&m);
	return ok;
}

static bool reopen(struct run *r, bool may_fail)
{
	struct sdb_recovery rec;
	sdb_close(r->db);
	r->db = NULL;
	for (int i = 0;; i++) {
		struct diag d = {0};
		int err = sdb_open(&r->db, r->vfs, "s", &model_options, &rec, &d);
		if (err == 0)
			break;
		r->db = NULL;
		if (!clear_error(r, err, &d, "sdb_open"))
			return false;
		if (may_fail)
			return true;
		if (i == 1)
			return BAD(r, "sdb_open fails twice");
	}
	if (rec.set_aside)
		return BAD(r, "%s was set aside", rec.set_aside_name);
	if (may_fail)
		return true;
	if (!find_state(r))
		return false;
	int err = model_define(r->db);
	return err == 0 || BAD(r, "define gives %d after a start", err);
}

/* What the node does: an error of append, sync or maintenance is shown; when the log is gone it starts anew. */
static bool after_error(struct run *r, int err, const struct diag *d, const char *what, bool dead)
{
	if (!clear_error(r, err, d, what))
		return false;
	if (dead) {
		r->off = true;
		return true;
	}
	struct mbatch one = {.n = 1, .p = {{.id = 1, .t = 1}}};
	struct sdb_appended a;
	if (err == MO_ESTATE || strcmp(what, "sync") == 0) {
		if (model_append(r->db, &one, &a, NULL) != MO_ESTATE)
			return BAD(r, "append goes on after a failed sync");
		return reopen(r, false);
	}
	return true;
}

static bool step(struct run *r, size_t k, bool dead)
{
	struct diag d = {0};
	struct sdb_appended a;
	uint64_t offset;
	for (int tries = 0;; tries++) {
		diag_clear(&d);
		int err = model_append(r->db, &r->batch[k], &a, &d);
		if (err == 0)
			break;
		if (err == MO_EAGAIN) {
			err = sdb_maintain(r->db, false, &d);
			if (err != 0 && (!after_error(r, err, &d, "maintain", dead) || r->off))
				return r->off;
			continue;
		}
		if (!after_error(r, err, &d, "append", dead))
			return false;
		if (r->off)
			return true;
		if (r->n < k) /* what was not acknowledged went with the restart: send it again, as a client would */
			return true;
		if (tries > 2)
			return BAD(r, "append keeps failing: %d", err);
	}
	r->n = k + 1;
	if (k % 3 == 2) {
		int err = sdb_sync(r->db, &offset, &d);
		if (err != 0)
			return after_error(r, err, &d, "sync", dead);
		r->synced = r->n;
	}
	if (k % 5 == 4) {
		int err = sdb_maintain(r->db, k % 2 == 0, &d);
		if (err != 0 && !after_error(r, err, &d, "maintain", dead))
			return false;
	}
	if (!r->off && k % 17 == 16) {
		if (sdb_sync(r->db, &offset, &d) != 0)
			return after_error(r, d.err, &d, "sync", dead);
		r->synced = r->n;
		if (!reopen(r, dead))
			return false;
		if (!r->db)
			r->off = true;
	}
	return true;
}

static bool begin(struct run *r, bool dead)
{
	uint64_t offset;
	struct diag d = {0};
	for (int i = 0; i < 3; i++) {
		if (!r->db && !reopen(r, true))
			return false;
		if (r->db && model_define(r->db) == 0 && sdb_sync(r->db, &offset, &d) == 0)
			return true;
		if (dead) {
			r->off = true;
			return true;
		}
		sdb_close(r->db); /* failed at the very beginning: again */
		r->db = NULL;
	}
	return BAD(r, "no beginning");
}

static void say(void *arg, const struct diag *d)
{
	struct run *r = arg;
	snprintf(r->bad, sizeof r->bad, "sdb_check: message %d, %.100s, %.50s, %lld, %lld", (int)d->msg, d->file, d->field,
	        (long long)d->arg[0].i, (long long)d->arg[1].i);
}

/* The history with the fault armed, then the oracle. */
static bool history(struct run *r, struct sweep_pass *p)
{
	bool dead = p->kind == SWEEP_EVER || sweep_is_cut(p);
	sweep_arm(p, r->mem);
	if (!begin(r, dead))
		return false;
	while (!r->off && r->n < BATCHES) {
		if (!step(r, r->n, dead))
			return false;
	}
	sweep_disarm(p);
	if (p->nth == SWEEP_NONE)
		return true;
	sweep_cut(p, r->mem);
	if (!reopen(r, false))
		return false;
	/* It goes on: one more batch, durable through a cut that keeps nothing. */
	struct sdb_appended a;
	struct diag d = {0};
	uint64_t offset;
	r->batch[r->n] = r->batch[0];
	if (model_append(r->db, &r->batch[r->n], &a, &d) != 0 || sdb_sync(r->db, &offset, &d) != 0 || sdb_maintain(r->db, true, &d) != 0)
		return BAD(r, "the next start does not work: %d", d.err);
	r->synced = ++r->n;
	memvfs_crash(r->mem, true);
	if (!reopen(r, false))
		return false;
	uint64_t files;
	return sdb_check(r->mem, "s", say, r, &files) == 0;
}

static struct mbatch batches[BATCHES];

/* arg: what is planted, or NULL. */
static const char *pass(void *arg, struct sweep_pass *p)
{
	static struct run r;
	struct nosync *plant = arg;
	r = (struct run){0};
	r.batch = calloc(BATCHES + 2, sizeof *r.batch);
	if (!r.batch || memvfs_new(&r.mem, p->seed) != 0)
		abort();
	memcpy(r.batch, batches, BATCHES * sizeof *batches);
	r.vfs = r.mem;
	if (plant) {
		plant->below = r.mem;
		r.vfs = &plant->v;
	}
	bool ok = history(&r, p);
	sdb_close(r.db);
	free(r.batch);
	sweep_disarm(p);
	vfs_free(r.mem);
	return ok ? NULL : r.bad;
}

static void test_sweep(void **state)
{
	(void)state;
	sweep_run(&(struct sweep){.name = "history", .pass = pass, .kinds = SWEEP_FILES & ~SWEEP_BIT(SWEEP_SHORT), .least = PASSES, .short_writes = true, .ops_least = 100});
}

/* A sync that is swallowed must be seen by the same oracle. */
static uint64_t seen(struct nosync *plant)
{
	struct sweep_pass clean = {.kind = SWEEP_CUT_ALL, .nth = SWEEP_NONE, .seed = 1};
	assert_null(pass(NULL, &clean));
	uint64_t lost = 0;
	for (uint64_t i = 20; i < clean.ops; i += clean.ops / 40 + 1) {
		struct sweep_pass p = {.kind = SWEEP_CUT_ALL, .nth = i, .seed = i};
		lost += pass(plant, &p) != NULL;
	}
	return lost;
}

static void test_planted(void **state)
{
	(void)state;
	struct nosync plant;
	nosync_init(&plant, NULL);
	assert_int_equal(seen(&plant), 0); /* the wrapper alone does no harm */
	plant.files = true;
	assert_true(seen(&plant) > 0);
	plant.only = "/log-";
	assert_true(seen(&plant) > 0);
	plant.only = "/seg-";
	assert_true(seen(&plant) > 0);
	plant.only = "/catalogue";
	assert_true(seen(&plant) > 0);
	plant.files = false;
	plant.folders = true;
	assert_true(seen(&plant) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {sweep_test(test_sweep), cmocka_unit_test(test_planted)};
	make_batches(batches);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
