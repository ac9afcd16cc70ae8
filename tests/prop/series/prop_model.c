/* Random histories against the model: appends in and out of order, repeats,
 * sequences, syncs, maintenance, close and reopen, power cuts. */
#include "cm.h"
#include "prop.h"

#include <stdio.h>
#include <stdlib.h>

#include "model.h"
#include "os/memvfs.h"

#define BATCHES_MAX 400u

/* What the histories met; a run that met too little shows nothing. */
static struct {
	unsigned flushes, merges, lost, refused, replaced_stored;
} met;

struct world {
	struct vfs *vfs;
	struct sdb *db;
	struct model now;
	struct mbatch *batch;
	size_t n, synced;
	int64_t clock;
	const char *bad;
};

static const char *open_db(struct world *w)
{
	struct sdb_recovery rec;
	struct diag d = {0};
	static char words[1024];
	int r = sdb_open(&w->db, w->vfs, "s", &model_options, &rec, &d);
	if (r == 0 && rec.set_aside == 0)
		return NULL;
	snprintf(words, sizeof words, "sdb_open gives %d, %u set aside (%s), msg %d %s", r, (unsigned)rec.set_aside, rec.set_aside_name,
	        (int)d.msg, d.file);
	return words;
}

static void rebuild(struct world *w, struct model *m, size_t n)
{
	model_free(m);
	model_init(m);
	(void)w;
	for (size_t i = 0; i < n; i++)
		model_apply(m, &w->batch[i], NULL);
}

static int64_t pick_time(struct prop *p, struct world *w)
{
	switch (prop_below(p, 8)) {
	case 0: /* far back */
		return (int64_t)prop_below(p, (uint64_t)w->clock / NS_PER_S + 1) * NS_PER_S;
	case 1: /* a little late, odd nanoseconds */
		return w->clock - (int64_t)prop_below(p, 40) * NS_PER_S + (int64_t)prop_below(p, 3);
	default:
		w->clock += NS_PER_S;
		return w->clock;
	}
}

static void fill(struct prop *p, struct world *w, struct mbatch *b)
{
	size_t n = 1 + prop_size(p, MODEL_BATCH - 1);
	series_id id = 1 + (series_id)prop_below(p, MODEL_SERIES);
	bool one = prop_below(p, 3) == 0;
	b->arr = prop_below(p, 10) == 0 ? T_NONE : w->clock + (int64_t)prop_below(p, 3) * NS_PER_S / 2;
	b->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct mpoint *x = &b->p[b->n++];
		if (!one)
			id = 1 + (series_id)prop_below(p, MODEL_SERIES);
		*x = (struct mpoint){.id = id, .t = pick_time(p, w), .v = prop_below(p, 50)};
		if (w->now.s[id - 1].kind == SERIES_SEQUENCE)
			x->seq = prop_below(p, 4);
		if (prop_below(p, 12) == 0)
			x->q = prop_bool(p) ? Q_BAD : Q_UNCERTAIN;
		if (prop_below(p, 15) == 0) {
			x->own_arr = true;
			x->arr = x->t + (int64_t)prop_below(p, 200) * NS_PER_S / 20;
		}
	}
}

static const char *append(struct prop *p, struct world *w)
{
	struct sdb_appended want, got;
	struct diag d = {0};
	if (w->n == BATCHES_MAX)
		return NULL;
	struct mbatch *b = &w->batch[w->n];
	fill(p, w, b);
	int r = model_append(w->db, b, &got, &d);
	if (r == MO_EAGAIN) {
		r = sdb_maintain(w->db, false, &d);
		if (r == 0)
			r = model_append(w->db, b, &got, &d);
	}
	if (r != 0) {
		prop_note(p, "append gives %d", r);
		return "append failed";
	}
	model_apply(&w->now, b, &want);
	w->n++;
	struct sdb_stats st;
	sdb_stats(w->db, &st);
	met.refused += got.refused > 0;
	met.replaced_stored += got.replaced > 0 && st.segments > 0;
	if (got.taken != want.taken || got.replaced != want.replaced || got.repeated != want.repeated || got.refused != want.refused) {
		prop_note(p, "taken %d/%d replaced %d/%d repeated %d/%d refused %d/%d", (int)got.taken, (int)want.taken, (int)got.replaced,
		        (int)want.replaced, (int)got.repeated, (int)want.repeated, (int)got.refused, (int)want.refused);
		return "append counts differ";
	}
	return NULL;
}

/* Power cut: what stands afterwards is the state behind some batch, at or past the last sync. */
static const char *crash(struct prop *p, struct world *w)
{
	memvfs_crash(w->vfs, prop_bool(p));
	sdb_close(w->db);
	w->db = NULL;
	const char *bad = open_db(w);
	if (bad)
		return bad;
	for (size_t n = w->n;; n--) {
		rebuild(w, &w->now, n);
		bad = model_compare(&w->now, w->db);
		if (!bad) {
			met.lost += n < w->n;
			w->n = n;
			w->synced = w->synced < n ? w->synced : n;
			return NULL;
		}
		if (n == w->synced)
			return bad;
	}
}

static const char *questions(struct prop *p, struct world *w)
{
	series_id id = 1 + (series_id)prop_below(p, MODEL_SERIES);
	int64_t from = (int64_t)prop_below(p, (uint64_t)w->clock + 1), to = from + 1 + (int64_t)prop_below(p, (uint64_t)w->clock + 1);
	const char *bad = model_compare_range(&w->now, w->db, id, from, to, prop_bool(p));
	return bad ? bad : model_compare_chart(&w->now, w->db, id, from, to, 1 + prop_below(p, 30));
}

static const char *maintain(struct world *w, bool all)
{
	struct sdb_stats before, after;
	struct diag d = {0};
	sdb_stats(w->db, &before);
	if (sdb_maintain(w->db, all, &d) != 0)
		return "maintain failed";
	sdb_stats(w->db, &after);
	if (all && after.points_head != 0)
		return "points left in the heads";
	met.flushes += before.points_head > after.points_head;
	met.merges += after.segments < before.segments + (before.points_head > after.points_head);
	return NULL;
}

static const char *step(struct prop *p, struct world *w)
{
	struct diag d = {0};
	uint64_t offset;
	switch (prop_below(p, 16)) {
	case 0: /* close in good order: nothing unsynced is promised, but all of it is written or none */
		if (sdb_sync(w->db, &offset, &d) != 0)
			return "sync failed";
		w->synced = w->n;
		sdb_close(w->db);
		w->db = NULL;
		return open_db(w);
	case 1:
		return prop_below(p, 3) ? NULL : crash(p, w);
	case 2:
	case 6:
		return maintain(w, prop_below(p, 3) != 0);
	case 3:
	case 4:
		if (sdb_sync(w->db, &offset, &d) != 0 || sdb_synced_offset(w->db) != offset)
			return "sync failed";
		w->synced = w->n;
		return NULL;
	case 5:
		return questions(p, w);
	default:
		return append(p, w);
	}
}

static bool history(struct prop *p, void *arg)
{
	(void)arg;
	struct world w = {.clock = NS_PER_S * 1000};
	uint64_t files;
	w.batch = calloc(BATCHES_MAX, sizeof *w.batch);
	model_init(&w.now);
	if (!w.batch || memvfs_new(&w.vfs, prop_u64(p)) != 0)
		abort();
	w.bad = open_db(&w);
	if (!w.bad && model_define(w.db) != 0)
		w.bad = "define failed";
	uint64_t offset;
	if (!w.bad && sdb_sync(w.db, &offset, NULL) != 0)
		w.bad = "sync failed";
	size_t steps = 10 + (prop_bool(p) ? prop_size(p, 60) : prop_below(p, 300));
	for (size_t i = 0; i < steps && !w.bad; i++)
		w.bad = step(p, &w);
	if (!w.bad)
		w.bad = model_compare(&w.now, w.db);
	for (series_id id = 1; id <= MODEL_SERIES && !w.bad; id++)
		w.bad = model_compare_chart(&w.now, w.db, id, 0, w.clock + NS_PER_S, 17);
	if (!w.bad && sdb_sync(w.db, &offset, NULL) != 0)
		w.bad = "sync failed";
	if (w.bad)
		prop_note(p, "%s", w.bad);
	sdb_close(w.db);
	if (!w.bad && sdb_check(w.vfs, "s", NULL, NULL, &files) == MO_EIO) {
		prop_note(p, "sdb_check cannot read");
		w.bad = "check";
	}
	vfs_free(w.vfs);
	model_free(&w.now);
	free(w.batch);
	return !w.bad;
}

static void test_histories(void **state)
{
	(void)state;
	assert_int_equal(prop_check("series histories", history, NULL, 300), 0);
	printf("%u flushes, %u merges, %u cuts that lost batches, %u refusing and %u replacing batches\n", met.flushes, met.merges,
	        met.lost, met.refused, met.replaced_stored);
	assert_true(met.flushes > 100 && met.merges > 20 && met.lost > 20 && met.refused > 20 && met.replaced_stored > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_histories)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
