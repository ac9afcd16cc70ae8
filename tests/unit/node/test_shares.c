/* Folders of the setting `watch`, as shares behave: gone and back, empty where they are not mounted, read-only, without renaming, hanging, with
 * files that are copied for long. The share is a folder behind a vfs that can be told to fail; a real one is not tried here. */
#include "cm.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/watch.h"
#include "os/clock.h"
#include "rig.h"

static struct rig r;

/* ---- a vfs whose paths below `under` fail as told ---- */
static struct {
	struct vfs v;
	struct vfs *below;
	char under[96], inbox[96];
	atomic_bool at_inbox; /* it is the inbox that fails */
	atomic_int list, stat, make, create, rename, unlink; /* errors; 0: as it is */
	atomic_bool hangs, hung;
} share;

static bool ours(const char *path)
{
	const char *under = atomic_load(&share.at_inbox) ? share.inbox : share.under;
	return strncmp(path, under, strlen(under)) == 0;
}
#define FAIL(path, which)                              \
	do {                                           \
		if (ours(path) && atomic_load(&share.which)) \
			return atomic_load(&share.which);    \
	} while (0)

static int v_open(struct vfs *v, struct vfs_file **ret, const char *path, unsigned flags, struct diag *d)
{
	(void)v;
	if (flags & VFS_CREATE)
		FAIL(path, create);
	return vfs_open(share.below, ret, path, flags, d);
}
static int v_unlink(struct vfs *v, const char *path)
{
	(void)v;
	if (!strstr(path, "/done/")) /* what we made ourselves we may remove */
		FAIL(path, unlink);
	return vfs_unlink(share.below, path);
}
static int v_rename(struct vfs *v, const char *from, const char *to)
{
	(void)v;
	FAIL(from, rename);
	return vfs_rename(share.below, from, to);
}
static int v_mkdir(struct vfs *v, const char *path, bool secret)
{
	(void)v;
	FAIL(path, make);
	return vfs_mkdir(share.below, path, secret);
}
static int v_rmdir(struct vfs *v, const char *path)
{
	(void)v;
	return vfs_rmdir(share.below, path);
}
static int v_sync_dir(struct vfs *v, const char *path)
{
	(void)v;
	return ours(path) ? MO_EINVAL : vfs_sync_dir(share.below, path); /* as some servers say */
}
static int v_stat(struct vfs *v, const char *path, struct vfs_stat *ret)
{
	(void)v;
	FAIL(path, stat);
	return vfs_stat(share.below, path, ret);
}
static int v_list(struct vfs *v, const char *path, int (*fn)(void *arg, const char *name), void *arg)
{
	(void)v;
	FAIL(path, list);
	while (ours(path) && atomic_load(&share.hangs)) {
		atomic_store(&share.hung, true);
		mono_sleep(NS_PER_MS);
	}
	return vfs_list(share.below, path, fn, arg);
}
static int v_lock(struct vfs *v, struct vfs_file **ret, const char *path)
{
	(void)v;
	return vfs_lock(share.below, ret, path);
}
static int v_space(struct vfs *v, const char *path, uint64_t *f, uint64_t *t)
{
	(void)v;
	return vfs_space(share.below, path, f, t);
}
static void v_free(struct vfs *v)
{
	(void)v;
	vfs_free(share.below);
}
static const struct vfs_ops ops = {.open = v_open, .unlink = v_unlink, .rename = v_rename, .mkdir = v_mkdir, .rmdir = v_rmdir, .sync_dir = v_sync_dir,
	.stat = v_stat, .list = v_list, .lock = v_lock, .space = v_space, .free = v_free};

/* ---- what the importer sees ---- */
static atomic_uint taken;
static pthread_mutex_t last = PTHREAD_MUTEX_INITIALIZER; /* two folders may be looked at at once */
static char last_text[64], last_path[512];
static atomic_int give;

static int importer(void *arg, struct store_reader *reader, const char *path, const char *name, struct buf *why, struct diag *d)
{
	(void)arg;
	(void)reader;
	(void)name;
	FILE *f = fopen(path, "r");
	pthread_mutex_lock(&last);
	size_t n = f ? fread(last_text, 1, sizeof last_text - 1, f) : 0;
	last_text[n] = 0;
	if (f)
		fclose(f);
	snprintf(last_path, sizeof last_path, "%s", path);
	pthread_mutex_unlock(&last);
	atomic_fetch_add(&taken, 1);
	int err = atomic_load(&give);
	if (err)
		buf_adds(why, "because\n");
	return err ? diag_set(d, err, MSG_DEVICE_FIELD) : 0;
}

static int setup(void **state)
{
	char text[400];
	(void)state;
	rig_init(&r);
	memset(&share, 0, sizeof share);
	share.v.ops = &ops;
	share.below = r.vfs;
	snprintf(share.under, sizeof share.under, "%s/share", r.dir);
	snprintf(share.inbox, sizeof share.inbox, "%s/inbox", r.dir);
	r.vfs = &share.v;
	r.importer = importer;
	atomic_store(&taken, 0);
	atomic_store(&give, 0);
	/* The inbox again and a folder twice are none of their own. */
	int n = snprintf(text, sizeof text, "lang: en\nwatch: [%s/share, %s/other/, %s/share/, %s/inbox]\n", r.dir, r.dir, r.dir, r.dir);
	char *yaml = vfs_join(r.dir, "moru.yaml"), *other = vfs_join(r.dir, "other");
	int err = vfs_replace(share.below, yaml, span_of((const uint8_t *)text, (size_t)n), false, NULL);
	if (err == 0)
		err = mkdir(share.under, 0755) || mkdir(other, 0755);
	free(yaml);
	free(other);
	if (err == 0)
		rig_start(&r);
	return err ? err : r.status;
}

static int teardown(void **state)
{
	(void)state;
	atomic_store(&share.hangs, false);
	rig_stop(&r);
	rig_free(&r);
	return 0;
}

static const char *at(const char *name)
{
	static char p[4][512];
	static unsigned i;
	i = (i + 1) % 4;
	snprintf(p[i], sizeof p[i], "%s/%s", r.dir, name);
	return p[i];
}
static void put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}
static bool there(const char *name) { return access(at(name), F_OK) == 0; }
static bool holds(const char *name, const char *text)
{
	char got[64] = "";
	FILE *f = fopen(at(name), "r");
	if (!f)
		return false;
	size_t n = fread(got, 1, sizeof got - 1, f);
	got[n] = 0;
	fclose(f);
	return strcmp(got, text) == 0;
}
static void touch(const char *name, int64_t s)
{
	const struct timespec t[2] = {{.tv_sec = s}, {.tv_sec = s}};
	assert_int_equal(utimensat(AT_FDCWD, at(name), t, 0), 0);
}

struct poll {
	atomic_bool over;
	int err;
};
static void polled(void *arg, int err)
{
	struct poll *p = arg;
	p->err = err;
	atomic_store(&p->over, true);
}
static void poll_now(void *arg) { watch_poll(node_watch(r.n), polled, arg); }
/* Whole polls that began after this call; gives the last one's error. */
static int look(unsigned times)
{
	struct poll p = {.err = 0};
	for (unsigned i = 0; i < times; i++) {
		p = (struct poll){.err = 1};
		rig_on_loop(&r, poll_now, &p);
		while (!atomic_load(&p.over))
			mono_sleep(NS_PER_MS);
	}
	return p.err;
}
/* Whether one of the next looks gives that: each try takes two of them. */
static bool gives(int err)
{
	for (unsigned i = 0; i < 6; i++)
		if (look(1) == err)
			return true;
	return false;
}
static unsigned said(enum mo_msg msg)
{
	unsigned n = 0;
	pthread_mutex_lock(&r.mu);
	for (unsigned i = 0; i < r.n_said; i++)
		n += r.said[i] == msg;
	pthread_mutex_unlock(&r.mu);
	return n;
}
static void stats(void *arg) { watch_stats(node_watch(r.n), arg); }

/* ---- */
static void each_folder_is_looked_into(void **state)
{
	struct watch_stats st;
	(void)state;
	put("inbox/a.csv", "1");
	put("share/b.csv", "2");
	put("other/c.csv", "3");
	assert_int_equal(look(3), 0);
	assert_int_equal(atomic_load(&taken), 3);
	assert_true(there("inbox/done/a.csv") && there("share/done/b.csv") && there("other/done/c.csv"));
	rig_on_loop(&r, stats, &st);
	assert_int_equal(st.folders, 3);
	assert_int_equal(st.away, 0);
}

static void names_that_wait(void **state)
{
	static const char *const waits[] = {"~$생산일보.xlsx", ".~lock.x.ods#", "a.tmp", "A.TMP", "b.part", "c.crdownload", "Thumbs.db", "thumbs.DB", "desktop.ini", "Desktop.ini",
		".DS_Store", "._x.csv", "x.filepart", "x.Partial", ".swp", "x.swp", "ehthumbs.db"};
	static const char *const goes[] = {"x.csv", "생산일보.xlsx", "~x.csv", "tmp", "part.csv", "Thumbs.db.csv", "x.tmp.csv", "desktop.ini.txt", "$x"};
	char name[300];
	(void)state;
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
		if (!watch_name_waits(waits[i]))
			fail_msg("%s", waits[i]);
	for (size_t i = 0; i < sizeof goes / sizeof *goes; i++)
		if (watch_name_waits(goes[i]))
			fail_msg("%s", goes[i]);
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		snprintf(name, sizeof name, "share/%s", waits[i]);
		put(name, "x");
	}
	look(4);
	assert_int_equal(atomic_load(&taken), 0);
}

/* Space for all of it is reserved at once, as Windows does; what comes only moves the time. */
static void a_copy_of_fixed_size_waits(void **state)
{
	(void)state;
	put("share/big.csv", "0000000000");
	for (int64_t i = 1; i <= 5; i++) {
		touch("share/big.csv", 1700000000 + i);
		assert_int_equal(look(1), 0);
		assert_int_equal(atomic_load(&taken), 0);
	}
	put("share/big.csv", "time,a\n1,2");
	touch("share/big.csv", 1600000000); /* and in the end it has the time of the original */
	look(2);
	assert_int_equal(atomic_load(&taken), 1);
	assert_string_equal(last_text, "time,a\n1,2");
	assert_true(there("share/done/big.csv"));
}

/* ESTALE, EIO, ENOENT at listing or at a file: said once, nothing is lost or set aside, the other folders go on, and so does it when it is back. */
static void a_share_that_goes_away(void **state)
{
	static const int errs[] = {MO_EIO, MO_ENOENT, MO_EDENIED};
	struct watch_stats st;
	(void)state;
	for (unsigned i = 0; i < sizeof errs / sizeof *errs; i++) {
		char name[32], in[32];
		snprintf(name, sizeof name, "share/x%u.csv", i);
		snprintf(in, sizeof in, "inbox/y%u.csv", i);
		put(name, "x");
		look(1);
		atomic_store(&share.list, errs[i]);
		put(in, "y");
		for (unsigned k = 0; k < 5; k++)
			assert_int_equal(look(1), errs[i]);
		assert_int_equal(atomic_load(&taken), 2 * i + 1);
		assert_int_equal(said(MSG_WATCH_FOLDER), i + 1);
		rig_on_loop(&r, stats, &st);
		assert_int_equal(st.away, 1);
		atomic_store(&share.list, 0);
		assert_int_equal(look(2), 0);
		assert_int_equal(atomic_load(&taken), 2 * i + 2);
		assert_int_equal(said(MSG_WATCH_BACK), i + 1);
		rig_on_loop(&r, stats, &st);
		assert_int_equal(st.away, 0);
	}
	/* In the middle of a look. */
	put("share/z.csv", "z");
	look(1);
	atomic_store(&share.stat, MO_EIO);
	assert_int_equal(look(3), MO_EIO);
	atomic_store(&share.stat, 0);
	assert_int_equal(look(2), 0);
	assert_true(there("share/done/z.csv") && !there("share/refused"));
	/* While it is read: tried again, and said once. */
	atomic_store(&give, MO_EIO);
	put("share/w.csv", "w");
	look(9);
	assert_int_equal(said(MSG_DEVICE_FIELD), 1);
	atomic_store(&give, 0);
	look(3);
	assert_true(there("share/done/w.csv") && !there("share/refused"));
}

/* What stands at the mount point of a share that is not mounted: an empty folder. Also at the next start. */
static void an_empty_mount_point(void **state)
{
	(void)state;
	look(2);
	assert_int_equal(said(MSG_WATCH_EMPTY), 0); /* never was anything there */
	put("share/a.csv", "a");
	look(3);
	assert_int_equal(atomic_load(&taken), 1);
	for (unsigned start = 0; start < 2; start++) {
		assert_int_equal(rename(at("share"), at("elsewhere")), 0);
		assert_int_equal(mkdir(at("share"), 0755), 0);
		if (start) {
			rig_stop(&r);
			r.n_said = 0;
			rig_start(&r);
			assert_int_equal(r.status, 0);
		}
		look(5);
		assert_int_equal(said(MSG_WATCH_EMPTY), 1);
		assert_false(there("share/done")); /* nothing is made there */
		assert_int_equal(rmdir(at("share")), 0);
		assert_int_equal(rename(at("elsewhere"), at("share")), 0);
		put("share/b.csv", "b");
		look(3);
		assert_int_equal(atomic_load(&taken), 2 + start);
		assert_int_equal(said(MSG_WATCH_BACK), 1);
	}
}

/* done/ on another device, or a server without renaming. */
static void what_cannot_be_renamed_is_copied(void **state)
{
	(void)state;
	atomic_store(&share.rename, MO_EINVAL);
	put("share/a.csv", "first");
	look(3);
	assert_int_equal(atomic_load(&taken), 1);
	assert_true(holds("share/done/a.csv", "first") && !there("share/a.csv"));
	put("share/a.csv", "second");
	look(3);
	assert_true(holds("share/done/a.csv", "first") && !there("share/a.csv"));
	/* What may not be removed stays, is remembered, and lies in one place only. */
	for (unsigned i = 0; i < 2; i++) {
		const char *name = i ? "share/d.csv" : "share/b.csv", *done = i ? "share/done/d.csv" : "share/done/b.csv";
		atomic_store(&share.unlink, i ? 0 : MO_EDENIED);
		atomic_store(&share.rename, i ? MO_EDENIED : MO_EINVAL);
		put(name, "third");
		look(6);
		assert_int_equal(atomic_load(&taken), 3 + i);
		assert_true(holds(name, "third") && !there(done));
	}
	/* No room for the copy: nothing is taken away. */
	atomic_store(&share.rename, MO_EINVAL);
	atomic_store(&share.create, MO_EFULL);
	put("share/c.csv", "fourth");
	assert_true(gives(MO_EFULL));
	assert_true(holds("share/c.csv", "fourth") && !there("share/done/c.csv"));
	assert_int_equal(said(MSG_WATCH_MOVE), 1);
	atomic_store(&share.create, 0);
	look(3);
	assert_true(holds("share/done/c.csv", "fourth") && !there("share/c.csv"));
}

/* A share that may be read and no more. */
static void read_only(void **state)
{
	(void)state;
	atomic_store(&share.make, MO_EDENIED);
	put("share/a.csv", "one");
	touch("share/a.csv", 1700000000);
	put("share/b.csv", "two");
	look(6);
	assert_int_equal(atomic_load(&taken), 2);
	assert_true(there("share/a.csv") && there("share/b.csv"));
	assert_int_equal(said(MSG_WATCH_KEPT), 1);
	assert_int_equal(said(MSG_WATCH_MOVE), 0);
	/* After another start: by path, size and time. */
	rig_stop(&r);
	rig_start(&r);
	assert_int_equal(r.status, 0);
	look(6);
	assert_int_equal(atomic_load(&taken), 2);
	/* The time alone: by content, now and at the next start. */
	touch("share/a.csv", 1700000002);
	look(4);
	rig_stop(&r);
	rig_start(&r);
	look(4);
	assert_int_equal(atomic_load(&taken), 2);
	/* Other content of the same size, then of another. */
	put("share/a.csv", "eno");
	look(4);
	assert_int_equal(atomic_load(&taken), 3);
	assert_string_equal(last_text, "eno");
	put("share/a.csv", "more");
	look(4);
	assert_int_equal(atomic_load(&taken), 4);
	/* What is refused there is refused once. */
	atomic_store(&give, MO_EINVAL);
	put("share/bad.csv", "bad");
	look(6);
	assert_int_equal(atomic_load(&taken), 5);
	assert_int_equal(said(MSG_DEVICE_FIELD), 1);
	/* The inbox is ours: there it is a fault that is told. */
	atomic_store(&give, 0);
	atomic_store(&share.at_inbox, true);
	put("inbox/mine.csv", "x");
	assert_true(gives(MO_EDENIED));
	assert_int_equal(said(MSG_WATCH_MOVE), 1);
}

/* A share that does not answer keeps nobody else from being looked at. */
static void a_share_that_hangs(void **state)
{
	(void)state;
	static struct poll never;
	never = (struct poll){.err = 0};
	atomic_store(&share.hangs, true);
	rig_on_loop(&r, poll_now, &never);
	for (unsigned i = 0; i < 500 && !atomic_load(&share.hung); i++)
		mono_sleep(10 * NS_PER_MS);
	assert_true(atomic_load(&share.hung));
	put("inbox/a.csv", "1");
	for (unsigned i = 0; i < 500 && !there("inbox/done/a.csv"); i++)
		mono_sleep(10 * NS_PER_MS);
	assert_true(there("inbox/done/a.csv"));
	assert_false(atomic_load(&never.over));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(each_folder_is_looked_into), T(names_that_wait), T(a_copy_of_fixed_size_waits), T(a_share_that_goes_away),
		T(an_empty_mount_point), T(what_cannot_be_renamed_is_copied), T(read_only), T(a_share_that_hangs)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
