/* One bit flips in every kind of file: what is served is right, what is lost is
 * reported (by the start, by a read or by sdb_check), nothing crashes. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "model.h"
#include "os/memvfs.h"

#define BATCHES 26u

static struct mbatch batch[BATCHES];
static struct model whole;

/* Each key once, so that a point that was lost lets no older one through. */
static void make(void)
{
	int64_t clock = 1000 * NS_PER_S;
	uint64_t v = 0;
	model_init(&whole);
	for (size_t k = 0; k < BATCHES; k++) {
		batch[k].n = 30;
		batch[k].arr = clock;
		for (size_t i = 0; i < batch[k].n; i++, v++) {
			struct mpoint *p = &batch[k].p[i];
			clock += NS_PER_S;
			*p = (struct mpoint){.id = 1 + (series_id)(v * 7 % MODEL_SERIES), .v = v, .t = clock};
			if (v % 5 == 0)
				p->t -= 200 * NS_PER_S + 1;
			p->q = v % 11 == 0 ? Q_BAD : Q_GOOD;
			p->seq = whole.s[p->id - 1].kind == SERIES_SEQUENCE ? v % 3 : 0;
		}
		struct sdb_appended a;
		model_apply(&whole, &batch[k], &a);
		assert_int_equal(a.taken, batch[k].n);
	}
}

static void build(struct vfs *vfs)
{
	struct sdb *db;
	struct sdb_appended a;
	uint64_t offset;
	assert_int_equal(sdb_open(&db, vfs, "s", &model_options, NULL, NULL), 0);
	assert_int_equal(model_define(db), 0);
	for (size_t k = 0; k < BATCHES; k++) {
		assert_int_equal(model_append(db, &batch[k], &a, NULL), 0);
		assert_int_equal(sdb_sync(db, &offset, NULL), 0);
		if (k == 8 || k == 14 || k == 20)
			assert_int_equal(sdb_maintain(db, true, NULL), 0);
	}
	sdb_close(db);
}

struct file {
	char path[64];
	uint64_t bytes;
};
struct files {
	struct vfs *vfs;
	struct file f[64];
	size_t n;
};
static int on_name(void *arg, const char *name)
{
	struct files *l = arg;
	struct vfs_stat st;
	snprintf(l->f[l->n].path, sizeof l->f[l->n].path, "s/%.50s", name);
	assert_int_equal(vfs_stat(l->vfs, l->f[l->n].path, &st), 0);
	l->f[l->n++].bytes = st.size_bytes;
	return 0;
}

/* Counts what is served and checks every point of it; *ret_errors: reads that told of damage. */
static size_t served(struct sdb *db, unsigned *ret_errors)
{
	size_t total = 0;
	for (series_id id = 1; id <= sdb_max_id(db); id++) {
		const struct mseries *s = &whole.s[id - 1];
		struct sdb_cursor *c;
		size_t at = 0;
		assert_int_equal(sdb_read(db, &c, id, &(struct sdb_range){INT64_MIN, INT64_MAX, false, true}, NULL), 0);
		for (;;) {
			struct sdb_batch b;
			struct diag d = {0};
			int r = sdb_next(c, &b, &d);
			if (r != 0) {
				assert_int_equal(r, MO_ECORRUPT);
				assert_true(d.file[0] != 0);
				(*ret_errors)++;
				continue;
			}
			if (b.n == 0)
				break;
			for (size_t i = 0; i < b.n; i++, total++) {
				char text[96];
				while (at < s->n && (s->p[at].t != b.t_ns[i] || (b.seq && s->p[at].seq != b.seq[i])))
					at++;
				assert_true(at < s->n);
				const struct mpoint *p = &s->p[at++];
				union series_value x = model_value(s->type, p->v, text);
				assert_int_equal(b.quality ? b.quality[i] : Q_GOOD, p->q);
				if (s->type == SERIES_F64)
					assert_memory_equal(&b.f64[i], &x.f64, 8);
				else if (s->type == SERIES_I64)
					assert_int_equal(b.i64[i], x.i64);
				else if (s->type == SERIES_BOOL)
					assert_int_equal(b.b[i], x.b);
				else
					assert_true(span_eq(b.str[i], x.str));
			}
		}
		sdb_cursor_close(c);
	}
	return total;
}

static unsigned findings;
static void say(void *arg, const struct diag *d)
{
	(void)arg;
	assert_true(d->msg != MSG_NONE && d->file[0] != 0);
	findings++;
}

/* Gives whether anything was lost. */
static bool flip(const char *path, uint64_t bit)
{
	struct vfs *vfs;
	struct sdb *db;
	struct sdb_recovery rec;
	struct diag d = {0};
	uint64_t files;
	unsigned errors = 0;
	assert_int_equal(memvfs_new(&vfs, bit), 0);
	build(vfs);
	assert_int_equal(memvfs_flip(vfs, path, bit), 0);
	findings = 0;
	int checked = sdb_check(vfs, "s", say, NULL, &files);
	assert_true(checked == 0 || checked == MO_ECORRUPT || checked == MO_EVERSION);
	assert_true((checked != 0) == (findings > 0));
	int r = sdb_open(&db, vfs, "s", &model_options, &rec, &d);
	bool lost = r != 0;
	if (r != 0) {
		if (r != MO_ECORRUPT || d.msg != MSG_SERIES_CATALOGUE_LOST)
			fail_msg("%s bit %d: open gives %d", path, (int)bit, r);
		assert_true(findings > 0);
	} else {
		assert_true((rec.torn_bytes != 0) == (rec.torn_name[0] != 0));
		size_t n = served(db, &errors);
		lost = n < BATCHES * 30;
		if (lost && !(findings > 0 && (rec.set_aside || rec.torn_bytes || errors)))
			fail_msg("%s bit %d: %d points lost in silence (findings %u, aside %d, torn %d)", path, (int)bit,
			        (int)(BATCHES * 30 - n), findings, (int)rec.set_aside, (int)rec.torn_bytes);
		/* It goes on, and the next start finds the same. */
		r = sdb_maintain(db, true, &d);
		assert_true(r == 0 || r == MO_ECORRUPT);
		sdb_close(db);
		assert_int_equal(sdb_open(&db, vfs, "s", &model_options, &rec, &d), 0);
		assert_int_equal(served(db, &errors), n);
		for (series_id id = 1; id <= sdb_max_id(db); id++) {
			struct sdb_bin bins[7];
			r = sdb_chart(db, id, 0, 4000 * NS_PER_S, 7, bins, NULL);
			assert_true(r == 0 || r == MO_ECORRUPT || r == MO_ESTATE);
		}
		sdb_close(db);
	}
	vfs_free(vfs);
	return lost;
}

static void test_flips(void **state)
{
	(void)state;
	struct vfs *vfs;
	struct files l = {0};
	make();
	assert_int_equal(memvfs_new(&vfs, 1), 0);
	build(vfs);
	l.vfs = vfs;
	assert_int_equal(vfs_list(vfs, "s", on_name, &l), 0);
	unsigned done = 0, harmful = 0, kinds = 0;
	for (size_t i = 0; i < l.n; i++) {
		uint64_t bits = l.f[i].bytes * 8, step = getenv("MORU_SOAK") ? 61 : bits / 70 + 1;
		kinds |= strstr(l.f[i].path, "log-") ? 1 : strstr(l.f[i].path, "seg-") ? 2 : strstr(l.f[i].path, "cat") ? 4 : 8;
		for (uint64_t b = i; b < bits; b += step, done++)
			harmful += flip(l.f[i].path, b);
		for (uint64_t b = 0; b < 512 && b < bits; b += 37, done++)
			harmful += flip(l.f[i].path, b);
	}
	printf("%u flips in %d files, %u of them took something away\n", done, (int)l.n, harmful);
	assert_int_equal(kinds, 15);
	assert_true(done > 500 && harmful > done / 4);
	vfs_free(vfs);
	model_free(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_flips)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
