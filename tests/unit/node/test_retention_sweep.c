/* A run of the rules in the store: slice by slice, nothing while files are held, and what a killed run took is told by the next one's entry. */
#include <stdio.h>
#include <stdlib.h>

#include "cm.h"

#include "node/priv/node.h"
#include "node/priv/retention_sweep.h"
#include "node/storer.h"
#include "os/memvfs.h"

#define DAY NS_PER_DAY
#define DB "node/store.db"
#define NOW (1000 * DAY)
#define FILES 40u
#define CASES 200u
#define OK(call) assert_int_equal((call), 0)

struct world {
	struct vfs *vfs;
	struct store *s;
	struct store_reader *r;
	struct node *n;
	struct diag d;
};

static void start(struct world *w)
{
	OK(store_open(&w->s, w->vfs, DB, &w->d));
	OK(store_reader_open(&w->r, w->vfs, DB, &w->d));
	OK(storer_new(&w->n->storer, w->s, 64, NULL, NULL));
}

static void stop(struct world *w)
{
	storer_free(w->n->storer);
	store_reader_close(w->r);
	store_close(w->s);
}

static int fill(struct sjob *j, struct store *s, struct diag *d)
{
	int err = 0;
	(void)j;
	for (unsigned i = 0; i < FILES && err == 0; i++) {
		struct blob_writer *b = NULL;
		uint8_t sha[32];
		char text[16];
		snprintf(text, sizeof text, "file %u", i);
		if ((err = blob_begin(s, &b, d)) == 0 && (err = blob_write(b, span_str(text), d)) == 0)
			err = blob_end(b, s, SPAN_LIT("text/csv"), SPAN_LIT("a.csv"), sha, d);
		blob_abort(b);
	}
	for (unsigned i = 0; i < CASES && err == 0; i++) {
		char cause[16];
		int64_t id;
		enum store_did did;
		snprintf(cause, sizeof cause, "stop:%u", i);
		struct store_case c = {.asset = SPAN_LIT("M"), .cause = span_str(cause), .kind = SPAN_LIT("stop"), .begin_ns = DAY, .end_ns = 2 * DAY, .raised_ns = 2 * DAY, .over = true};
		if ((err = store_put_case(s, &c, &id, &did, d)) == 0)
			err = store_case_state(s, id, CASE_CLOSED, &(struct store_case_note){.who = SPAN_LIT("kim")}, (3 + i) * DAY, d);
	}
	return err;
}

struct telling {
	struct sjob job;
	struct retention_sweep *w;
};

static int tell(struct sjob *j, struct store *s, struct diag *d) { return retention_sweep_tell(((struct telling *)j)->w, s, 7, d); }

static int64_t count(struct world *w, const char *noun)
{
	struct table_cursor *c = NULL;
	struct table_batch b;
	int64_t n = 0;
	OK(store_select(w->r, &c, SQ_COUNTS, NULL, 0, &w->d));
	for (;;) {
		OK(table_next(c, &b, &w->d));
		if (b.n_rows == 0)
			break;
		for (size_t i = 0; i < b.n_rows; i++)
			if (span_is(b.cols[0].str[i], noun))
				n = b.cols[1].i64[i];
	}
	table_close(c);
	return n;
}

/* The detail of the newest entry for that class, "" where there is none. */
static const char *entry(struct world *w, const char *target)
{
	static char text[512];
	struct table_cursor *c = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_null(), sarg_i(100)};
	text[0] = 0;
	OK(store_select(w->r, &c, SQ_AUDIT, a, 2, &w->d));
	for (;;) {
		OK(table_next(c, &b, &w->d));
		if (b.n_rows == 0)
			break;
		for (size_t i = 0; i < b.n_rows && !text[0]; i++)
			if (span_is(b.cols[3].str[i], "retention.apply") && span_is(b.cols[4].str[i], target))
				snprintf(text, sizeof text, "%.*s", SPAN_FMT(b.cols[5].str[i]));
	}
	table_close(c);
	return text;
}

static void test_killed(void **state)
{
	static const struct retention_rule rules[] = {{RETENTION_FILES, {NULL, 0}, 7}, {RETENTION_CASES, {NULL, 0}, 30}};
	const struct retention all = {rules, 2}, none = {NULL, 0};
	struct world w = {.n = calloc(1, sizeof *w.n)};
	struct retention_sweep q;
	struct sjob job;
	int err;
	(void)state;
	assert_non_null(w.n);
	filehold_init(&w.n->files);
	OK(memvfs_new(&w.vfs, 1));
	OK(vfs_mkdir(w.vfs, "node", false));
	start(&w);
	OK(storer_run(w.n->storer, fill, &job, &w.d));
	OK(retention_sweep_load(&q, w.n, w.r));
	assert_false(retention_sweep_owes(&q));
	retention_sweep_begin(&q, &all, NOW);
	/* A backup holds the files: they wait, the rest does not. */
	filehold_take(&w.n->files);
	while ((err = retention_sweep_step(&q, RETENTION_FILES, w.r, &w.d)) == MO_EAGAIN)
		;
	OK(err);
	assert_true(q.held);
	assert_int_equal(count(&w, "blob"), FILES);
	filehold_give(&w.n->files);
	/* One slice of cases, and the files half, then a kill. */
	assert_int_equal(retention_sweep_step(&q, RETENTION_CASES, w.r, &w.d), MO_EAGAIN);
	assert_int_equal(count(&w, "case"), CASES - SWEEP_CASES);
	retention_sweep_begin(&q, &all, NOW);
	while (count(&w, "blob") == FILES)
		assert_int_equal(retention_sweep_step(&q, RETENTION_FILES, w.r, &w.d), MO_EAGAIN);
	assert_int_equal(count(&w, "blob"), FILES - SWEEP_BLOBS);
	retention_sweep_end(&q);
	stop(&w);
	start(&w);
	/* The next run goes on, and tells of both. */
	OK(retention_sweep_load(&q, w.n, w.r));
	assert_true(retention_sweep_owes(&q));
	assert_int_equal(q.did[RETENTION_CASES].n, SWEEP_CASES);
	retention_sweep_begin(&q, &all, NOW);
	while ((err = retention_sweep_step(&q, RETENTION_CASES, w.r, &w.d)) == MO_EAGAIN)
		;
	OK(err);
	while ((err = retention_sweep_step(&q, RETENTION_FILES, w.r, &w.d)) == MO_EAGAIN)
		;
	OK(err);
	OK(retention_sweep_step(&q, RETENTION_AUDIT, w.r, &w.d)); /* no rule */
	assert_int_equal(count(&w, "blob") + count(&w, "case"), 0);
	struct telling t = {.w = &q};
	OK(storer_run(w.n->storer, tell, &t.job, &w.d));
	retention_sweep_told(&q);
	assert_false(retention_sweep_owes(&q));
	assert_non_null(strstr(entry(&w, "cases"), "\"removed\":200"));
	assert_non_null(strstr(entry(&w, "cases"), "\"from\":\"1970-01-04T"));
	assert_non_null(strstr(entry(&w, "files"), "\"removed\":40"));
	assert_string_equal(entry(&w, "audit"), "");
	/* Nothing is owed any more, also after a start; a run without rules tells nothing. */
	retention_sweep_end(&q);
	OK(retention_sweep_load(&q, w.n, w.r));
	assert_false(retention_sweep_owes(&q));
	retention_sweep_begin(&q, &none, NOW);
	OK(storer_run(w.n->storer, tell, &t.job, &w.d));
	assert_non_null(strstr(entry(&w, "cases"), "\"removed\":200"));
	stop(&w);
	vfs_free(w.vfs);
	filehold_destroy(&w.n->files);
	free(w.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
