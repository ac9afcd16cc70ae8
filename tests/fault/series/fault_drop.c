/* A rule of retention is applied while every file operation fails in turn, or the power goes at it. The oracle: the next start works; whatever
 * does not go is there with its newest value, whatever goes is there as it was or gone, and nothing that was replaced comes back; applied
 * again, exactly the rest is left. */
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "model.h"
#include "nosync.h"
#include "sweep.h"

#define BATCHES 120u
#define PASSES 300u /* of a kind, at least, unless it has fewer operations */

static struct mbatch batch[BATCHES];
static struct model before, after; /* of the rule */
static struct sdb_limit limit[MODEL_SERIES];
static const struct sdb_numbers keep[] = {{1, 1}, {4, 5}};

struct run {
	struct vfs *mem, *vfs;
	struct sdb *db;
	char bad[400];
};
#define BAD(r, ...) (snprintf((r)->bad, sizeof(r)->bad, __VA_ARGS__), false)

static void prepare(void)
{
	struct prng r;
	int64_t clock = 1000 * NS_PER_S;
	prng_seed(&r, 21);
	model_init(&before);
	model_init(&after);
	for (size_t k = 0; k < BATCHES; k++) {
		batch[k].n = 1 + prng_below(&r, 40);
		batch[k].arr = clock;
		for (size_t i = 0; i < batch[k].n; i++) {
			struct mpoint *p = &batch[k].p[i];
			*p = (struct mpoint){.id = 1 + (series_id)prng_below(&r, MODEL_SERIES), .v = prng_below(&r, 90)};
			clock += prng_below(&r, 6) ? NS_PER_S : 0;
			p->t = prng_below(&r, 3) ? clock : clock - (int64_t)prng_below(&r, 300) * NS_PER_S;
			p->seq = before.s[p->id - 1].kind == SERIES_SEQUENCE ? prng_below(&r, 8) : 0;
			p->q = prng_below(&r, 9) ? Q_GOOD : Q_BAD;
		}
		model_apply(&before, &batch[k], NULL);
		model_apply(&after, &batch[k], NULL);
	}
	for (size_t i = 0; i < MODEL_SERIES; i++)
		limit[i] = (struct sdb_limit){.before_ns = i % 5 == 4 ? INT64_MIN : clock - (int64_t)(100 + 150 * i) * NS_PER_S, .keep = keep,
			.n_keep = before.s[i].kind == SERIES_SEQUENCE ? 2 : 0};
	uint64_t gone = model_drop(&after, limit);
	assert_true(gone > 500);
}

static int drop(struct sdb *db, struct diag *d)
{
	struct sdb_drop q = {.limit = limit, .n_limits = MODEL_SERIES};
	int r;
	while ((r = sdb_drop(db, &q, d)) == MO_EAGAIN)
		;
	return r != 0 ? r : q.full ? MO_EFULL : 0;
}

static bool begin(struct run *r)
{
	struct sdb_appended a;
	uint64_t offset;
	if (sdb_open(&r->db, r->vfs, "s", &model_options, NULL, NULL) != 0 || model_define(r->db) != 0)
		return BAD(r, "no beginning");
	for (size_t k = 0; k < BATCHES; k++) {
		int err;
		while ((err = model_append(r->db, &batch[k], &a, NULL)) == MO_EAGAIN)
			if (sdb_maintain(r->db, false, NULL) != 0)
				return BAD(r, "no flush");
		if (err != 0 || sdb_sync(r->db, &offset, NULL) != 0 || (k % 20 == 19 && sdb_maintain(r->db, false, NULL) != 0))
			return BAD(r, "no batch %zu", k);
	}
	return true;
}

static bool value_same(const struct sdb_batch *b, size_t i, const struct mseries *s, const struct mpoint *p)
{
	char text[96];
	union series_value v = model_value(s->type, p->v, text);
	if ((b->quality ? b->quality[i] : Q_GOOD) != p->q)
		return false;
	switch (s->type) {
	case SERIES_F64: return b->f64[i] == v.f64;
	case SERIES_I64: return b->i64[i] == v.i64;
	case SERIES_BOOL: return b->b[i] == v.b;
	default: return span_eq(b->str[i], v.str);
	}
}

/* Each point that stands there stood before, with that value; each that stays is there. */
static bool between(struct run *r)
{
	for (series_id id = 1; id <= MODEL_SERIES; id++) {
		const struct mseries *a = &before.s[id - 1], *z = &after.s[id - 1];
		struct sdb_range all = {INT64_MIN, INT64_MAX, false, false};
		struct sdb_cursor *c;
		struct sdb_batch b;
		size_t at = 0, must = 0;
		if (sdb_read(r->db, &c, id, &all, NULL) != 0)
			return BAD(r, "series %u cannot be read", id);
		int err;
		bool ok = true;
		while (ok && (err = sdb_next(c, &b, NULL)) == 0 && b.n)
			for (size_t i = 0; i < b.n && ok; i++) {
				uint64_t seq = b.seq ? b.seq[i] : 0;
				while (at < a->n && (a->p[at].t != b.t_ns[i] || a->p[at].seq != seq))
					at++;
				if (at == a->n || !value_same(&b, i, a, &a->p[at]))
					ok = BAD(r, "series %u holds what it never held, or what was replaced", id);
				if (must < z->n && z->p[must].t == b.t_ns[i] && z->p[must].seq == seq)
					must++;
			}
		sdb_cursor_close(c);
		if (!ok)
			return false;
		if (err != 0 || must != z->n)
			return BAD(r, "series %u lost what stays", id);
	}
	return true;
}

static bool is(struct run *r, const struct model *m, const char *when)
{
	const char *bad = model_compare(m, r->db);
	return !bad || BAD(r, "%s: %s", when, bad);
}

static void say(void *arg, const struct diag *d)
{
	struct run *r = arg;
	snprintf(r->bad, sizeof r->bad, "sdb_check: message %d, %.100s, %.50s", (int)d->msg, d->file, d->field);
}

static bool reopen(struct run *r)
{
	struct sdb_recovery rec;
	struct diag d;
	sdb_close(r->db);
	r->db = NULL;
	if (sdb_open(&r->db, r->vfs, "s", &model_options, &rec, &d) != 0)
		return BAD(r, "the next start fails: %d", d.err);
	return rec.set_aside == 0 || BAD(r, "%s was set aside", rec.set_aside_name);
}

static bool history(struct run *r, struct sweep_pass *p)
{
	struct diag d = {0};
	uint64_t files;
	if (!begin(r))
		return false;
	sweep_arm(p, r->mem);
	int err = drop(r->db, &d);
	sweep_disarm(p);
	if (err != 0 && err != MO_EFULL && d.msg == MSG_NONE)
		return BAD(r, "an error without words: %d", err);
	if (p->nth == SWEEP_NONE)
		return (err == 0 || BAD(r, "without a fault: %d", err)) && is(r, &after, "without a fault");
	sweep_cut(p, r->mem);
	/* Without a cut the engine goes on as it is; both ways it has to hold after a start. */
	if (sweep_is_cut(p) || p->kind == SWEEP_EVER) {
		if (!reopen(r))
			return false;
	}
	if (!between(r))
		return false;
	err = drop(r->db, &d);
	if (err != 0)
		return BAD(r, "it cannot be applied again: %d", err);
	if (!is(r, &after, "applied again"))
		return false;
	if (sdb_maintain(r->db, true, &d) != 0)
		return BAD(r, "no maintenance: %d", d.err);
	memvfs_crash(r->mem, true); /* what was applied is durable */
	return reopen(r) && is(r, &after, "after a cut") && sdb_check(r->mem, "s", say, r, &files) == 0;
}

/* arg: what is planted, or NULL. */
static const char *pass(void *arg, struct sweep_pass *p)
{
	static struct run r;
	struct nosync *plant = arg;
	r = (struct run){0};
	if (memvfs_new(&r.mem, p->seed) != 0)
		abort();
	r.vfs = r.mem;
	if (plant) {
		plant->below = r.mem;
		r.vfs = &plant->v;
	}
	bool ok = history(&r, p);
	sdb_close(r.db);
	sweep_disarm(p);
	vfs_free(r.mem);
	return ok ? NULL : r.bad;
}

static void test_sweep(void **state)
{
	(void)state;
	sweep_run(&(struct sweep){.name = "drop", .pass = pass, .kinds = SWEEP_FILES & ~SWEEP_BIT(SWEEP_SHORT), .least = PASSES, .short_writes = true, .ops_least = 20});
}

/* A sync that is swallowed must be seen by the same oracle. */
static void test_planted(void **state)
{
	struct nosync plant;
	struct sweep_pass clean = {.kind = SWEEP_CUT_ALL, .nth = SWEEP_NONE, .seed = 1};
	uint64_t lost = 0;
	(void)state;
	assert_null(pass(NULL, &clean));
	nosync_init(&plant, NULL);
	for (int planted = 0; planted < 2; planted++) {
		lost = 0;
		plant.files = planted;
		plant.only = "/seg-";
		for (uint64_t i = 1; i < clean.ops; i += clean.ops / 30 + 1) {
			struct sweep_pass p = {.kind = SWEEP_CUT_ALL, .nth = i, .seed = i};
			lost += pass(&plant, &p) != NULL;
		}
		assert_true(planted ? lost > 0 : lost == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {sweep_test(test_sweep), cmocka_unit_test(test_planted)};
	prepare();
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	model_free(&before);
	model_free(&after);
	return r;
}
