/* Fills a node's folder, while no node runs on it, with values of full entropy
 * for the float series that are there, through the engine, until its segments
 * hold that much.
 *
 *   fill DIR GB       prints "bytes=N values=N segments=N seconds=S" */
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "os/clock.h"
#include "series/series.h"

#define RUN 2000u          /* values of one series in a batch */
#define SERIES_MAX 4096u
#define FIRST_S INT64_C(1000000000)

static void die(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "fill: %s: %s\n", what, mo_err_name(r));
	exit(1);
}

static unsigned floats(struct sdb *db, series_id ids[SERIES_MAX])
{
	struct series_def def;
	unsigned n = 0;
	for (series_id id = 1; n < SERIES_MAX && sdb_get_def(db, id, &def) == 0; id++)
		if (def.type == SERIES_F64 && def.kind == SERIES_CLOCK)
			ids[n++] = id;
	return n;
}

static void add(struct sdb *db, struct sbatch *b, struct prng *r, series_id id, uint64_t at)
{
	static int64_t t[RUN];
	static double v[RUN];
	struct sdb_appended a;
	for (unsigned j = 0; j < RUN; j++) {
		t[j] = (FIRST_S + (int64_t)at + j) * NS_PER_S;
		v[j] = prng_unit(r);
	}
	sbatch_reset(b);
	sbatch_set_arrival(b, t[RUN - 1]);
	die(sbatch_add_run(b, id, SERIES_F64, RUN, t, v), "run");
	int err = sdb_append(db, b, &a, NULL);
	if (err == MO_EAGAIN) {
		die(sdb_maintain(db, false, NULL), "maintain");
		err = sdb_append(db, b, &a, NULL);
	}
	die(err, "append");
}

int main(int argc, char **argv)
{
	static series_id ids[SERIES_MAX];
	struct vfs *vfs;
	struct sdb *db;
	struct sbatch *b;
	struct prng r;
	struct sdb_stats st = {0};
	uint64_t values = 0, offset;
	char path[4096];
	int64_t begun = mono_now();
	if (argc != 3) {
		fprintf(stderr, "usage: fill DIR GB\n");
		return 2;
	}
	double wanted = strtod(argv[2], NULL) * 1e9;
	snprintf(path, sizeof path, "%s/series", argv[1]);
	die(vfs_real(&vfs), "vfs");
	die(sdb_open(&db, vfs, path, NULL, NULL, NULL), path);
	die(sbatch_new(&b), "batch");
	prng_seed(&r, 1);
	unsigned n = floats(db, ids);
	die(n ? 0 : MO_ENOENT, "float series");
	for (uint64_t at = 0; (double)st.bytes_segments < wanted; at += RUN) {
		for (unsigned i = 0; i < n; i++) {
			add(db, b, &r, ids[i], at);
			if (sdb_wants_maintain(db))
				die(sdb_maintain(db, false, NULL), "maintain");
		}
		values += (uint64_t)n * RUN;
		die(sdb_sync(db, &offset, NULL), "sync");
		sdb_stats(db, &st);
	}
	die(sdb_maintain(db, true, NULL), "maintain");
	sdb_stats(db, &st);
	printf("bytes=%llu values=%llu segments=%llu seconds=%.1f\n", (unsigned long long)st.bytes_segments, (unsigned long long)values,
		(unsigned long long)st.segments, (double)(mono_now() - begun) / 1e9);
	sbatch_free(b);
	sdb_close(db);
	vfs_free(vfs);
	return 0;
}
