/* Speed of the time-series engine: appends in runs and singly, scans, charts,
 * last values, bulk re-import. CPU time of this process; files on the real
 * file system below the folder given (made and left there).
 *
 *     build/bench/series_bench DIR [points]      points: of the year's series, default 31,500,000 */
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "os/clock.h"
#include "series/series.h"

#define RUN 10000u

static void die(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, mo_err_name(r));
	exit(1);
}

struct stamp {
	int64_t cpu, wall;
};
static struct stamp start(void)
{
	return (struct stamp){cpu_now(), mono_now()};
}
static void report(struct stamp s, const char *what, uint64_t n)
{
	double cpu = (double)(cpu_now() - s.cpu), wall = (double)(mono_now() - s.wall);
	printf("%-44s %10llu  %8.1f ns CPU each  %9.2f ms CPU  %9.2f ms\n", what, (unsigned long long)n, cpu / (double)n, cpu / 1e6,
	        wall / 1e6);
}

static series_id define(struct sdb *db, const char *key, uint8_t tag)
{
	struct series_def def = {.type = SERIES_F64, .kind = SERIES_CLOCK, .key = span_str(key), .unit = SPAN_LIT("kW")};
	series_id id;
	def.uuid.b[0] = tag;
	def.uuid.b[1] = (uint8_t)strlen(key);
	die(sdb_define(db, &def, &id, NULL, NULL), "define");
	return id;
}

static struct sdb *open_db(struct vfs *vfs, const char *dir, const char *name)
{
	char path[4096];
	struct sdb *db;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	die(vfs_mkdir(vfs, dir, false), dir);
	die(sdb_open(&db, vfs, path, NULL, NULL, NULL), path);
	return db;
}

static void append(struct sdb *db, const struct sbatch *b)
{
	struct sdb_appended a;
	int r = sdb_append(db, b, &a, NULL);
	if (r == MO_EAGAIN) {
		die(sdb_maintain(db, false, NULL), "maintain");
		r = sdb_append(db, b, &a, NULL);
	}
	die(r, "append");
}

static void add_runs(struct sdb *db, series_id id, uint64_t from, uint64_t n, bool noisy, bool maintain)
{
	static int64_t t[RUN];
	static double v[RUN];
	struct sbatch *b;
	struct prng r;
	uint64_t offset;
	prng_seed(&r, from + 1);
	die(sbatch_new(&b), "batch");
	for (uint64_t i = 0; i < n; i += RUN) {
		size_t k = n - i < RUN ? (size_t)(n - i) : RUN;
		for (size_t j = 0; j < k; j++) {
			t[j] = (int64_t)(from + i + j) * NS_PER_S;
			v[j] = noisy ? 50 + prng_unit(&r) : (double)(from + i + j) * 0.1;
		}
		sbatch_reset(b);
		sbatch_set_arrival(b, t[k - 1]);
		die(sbatch_add_run(b, id, SERIES_F64, k, t, v), "run");
		append(db, b);
		if (maintain && sdb_wants_maintain(db))
			die(sdb_maintain(db, false, NULL), "maintain");
	}
	die(sdb_sync(db, &offset, NULL), "sync");
	sbatch_free(b);
}

static void bench_append(struct vfs *vfs, const char *dir)
{
	struct sdb *db = open_db(vfs, dir, "append");
	series_id id = define(db, "warm", 1), id2 = define(db, "append", 2);
	add_runs(db, id, 0, 100000, true, false);
	die(sdb_maintain(db, true, NULL), "maintain");
	struct stamp s = start();
	add_runs(db, id2, 0, 1000000, true, false);
	report(s, "append and sync in runs, 1M doubles in order", 1000000);
	s = start();
	die(sdb_maintain(db, true, NULL), "maintain");
	report(s, "flush of them", 1000000);
	s = start();
	add_runs(db, id2, 0, 1000000, true, false);
	report(s, "the same again (all replaced)", 1000000);
	sdb_close(db);
}

static void bench_single(struct vfs *vfs, const char *dir)
{
	struct sdb *db = open_db(vfs, dir, "single");
	struct sbatch *b;
	uint64_t offset;
	char key[32];
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "single,n=%u v", i);
		struct series_def def = {.type = SERIES_F64, .kind = SERIES_CLOCK, .key = span_str(key)};
		series_id id;
		def.uuid.b[0] = (uint8_t)i;
		def.uuid.b[1] = (uint8_t)(i >> 8);
		die(sdb_define(db, &def, &id, NULL, NULL), "define");
	}
	die(sbatch_new(&b), "batch");
	int64_t add = 0, app = 0;
	for (unsigned k = 0; k < 1000; k++) {
		int64_t c0 = cpu_now();
		sbatch_reset(b);
		sbatch_set_arrival(b, (int64_t)k * NS_PER_S);
		for (unsigned i = 0; i < 1000; i++) {
			struct sbatch_point p = {
			        .id = i + 1, .type = SERIES_F64, .t_ns = (int64_t)k * NS_PER_S + 1, .arrival_ns = T_NONE, .v.f64 = k * 0.5};
			die(sbatch_add(b, &p), "add");
		}
		int64_t c1 = cpu_now();
		append(db, b);
		app += cpu_now() - c1;
		add += c1 - c0;
	}
	printf("%-44s %10u  %8.1f ns CPU each\n", "sbatch_add, single values of 1,000 series", 1000000u, (double)add / 1e6);
	printf("%-44s %10u  %8.1f ns CPU each\n", "sdb_append of them", 1000000u, (double)app / 1e6);
	die(sdb_sync(db, &offset, NULL), "sync");
	struct stamp s = start();
	struct sdb_point p;
	for (unsigned k = 0; k < 10000; k++)
		for (series_id id = 1; id <= 1000; id++)
			die(sdb_last(db, id, &p), "last");
	report(s, "sdb_last", 10000000);
	s = start();
	die(sdb_maintain(db, true, NULL), "maintain");
	report(s, "flush of them", 1000000);
	sbatch_free(b);
	sdb_close(db);
}

static void scan(struct sdb *db, series_id id, bool desc, const char *what)
{
	struct sdb_range range = {INT64_MIN, INT64_MAX, desc, false};
	struct sdb_cursor *c;
	struct sdb_batch b;
	uint64_t n = 0;
	double sum = 0;
	struct stamp s = start();
	die(sdb_read(db, &c, id, &range, NULL), "read");
	for (;;) {
		die(sdb_next(c, &b, NULL), "next");
		if (b.n == 0)
			break;
		n += b.n;
		sum += b.f64[0];
	}
	sdb_cursor_close(c);
	report(s, what, n);
	if (sum < 0)
		printf("?\n");
}

static void bench_year(struct vfs *vfs, const char *dir, uint64_t n)
{
	struct sdb *db = open_db(vfs, dir, "year");
	static struct sdb_bin bins[2000];
	series_id id = define(db, "year,v=noisy v", 3), id2 = define(db, "year,v=decimal v", 4);
	struct stamp s = start();
	add_runs(db, id, 0, n, true, true);
	add_runs(db, id2, 0, n / 10, false, true);
	die(sdb_maintain(db, true, NULL), "maintain");
	report(s, "append and maintain a year at 1 Hz", n + n / 10);
	struct sdb_stats st;
	sdb_stats(db, &st);
	printf("%-44s %10llu segments %.2f bytes a point, heads %.1f MB\n", "", (unsigned long long)st.segments,
	        (double)st.bytes_segments / (double)st.points_segments, (double)st.bytes_heads / 1e6);
	scan(db, id, false, "scan (raw)");
	scan(db, id, false, "scan (raw), again");
	scan(db, id, true, "scan (raw), descending");
	scan(db, id2, false, "scan (decimals, packed)");
	for (int i = 0; i < 3; i++) {
		s = start();
		die(sdb_chart(db, id, 0, (int64_t)n * NS_PER_S, 2000, bins, NULL), "chart");
		report(s, "chart of the year, 2,000 bins", 1);
	}
	sdb_close(db);
	s = start();
	db = open_db(vfs, dir, "year");
	report(s, "open", 1);
	sdb_close(db);
}

int main(int argc, char **argv)
{
	struct vfs *vfs;
	if (argc < 2) {
		fprintf(stderr, "usage: series_bench DIR [points]\n");
		return 2;
	}
	die(vfs_real(&vfs), "vfs");
	bench_append(vfs, argv[1]);
	bench_single(vfs, argv[1]);
	bench_year(vfs, argv[1], argc > 2 ? strtoull(argv[2], NULL, 10) : 31500000);
	vfs_free(vfs);
	return 0;
}
