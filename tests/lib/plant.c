#include "plant.h"

#include "copytree.h"

#include "os/memvfs.h"

#define ZONEFILE "/usr/share/zoneinfo/Asia/Seoul" /* where a node looks for it */

struct vfs *plant_files(uint64_t seed)
{
	static const char *const dirs[] = {"/usr", "/usr/share", "/usr/share/zoneinfo", "/usr/share/zoneinfo/Asia"};
	static uint8_t *zone;
	static size_t n;
	struct vfs *real = NULL, *v = NULL;
	if (!zone) {
		assert_int_equal(vfs_real(&real), 0);
		assert_int_equal(vfs_slurp(real, &zone, &n, ZONEFILE, 1 << 20, NULL), 0);
		vfs_free(real);
	}
	assert_int_equal(memvfs_new(&v, seed), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(vfs_mkdir(v, dirs[i], false), 0);
	assert_int_equal(vfs_replace(v, ZONEFILE, span_of(zone, n), false, NULL), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(vfs_sync_dir(v, dirs[i]), 0);
	assert_int_equal(vfs_sync_dir(v, "/"), 0);
	return v;
}

int plant_init(struct vfs *v, struct diag *d)
{
	struct folder_init f = {.lang = "ko", .name = "공장", .firm = "TST", .now_ns = PLANT_NOW_NS};
	return folder_init(v, PLANT, &f, d);
}

struct vfs *plant_copy(struct vfs *base, uint64_t seed)
{
	struct vfs *v = plant_files(seed);
	copy_tree(base, v, PLANT);
	return v;
}

struct vfs *plant_new(uint64_t seed)
{
	static struct vfs *base;
	if (!base) {
		base = plant_files(1);
		assert_int_equal(plant_init(base, NULL), 0);
	}
	return plant_copy(base, seed);
}

static void said(void *arg, const char *level, const struct diag *d)
{
	(void)arg;
	(void)level;
	assert_int_not_equal(d->msg, MSG_NONE);
}

struct node_options plant_options(void)
{
	return (struct node_options){.dir = PLANT, .listen_port = -1, .version = "test", .log = said, .offline = true};
}

void plant_open(struct node **ret, struct vfs *v)
{
	struct node_options o = plant_options();
	struct diag d = {0};
	int err = node_open(ret, v, &o, &d);
	if (err == 0)
		err = node_start(*ret, &d);
	if (err != 0)
		fail_msg("the start: %s, message %d, %s", mo_err_name(err), (int)d.msg, d.file);
	assert_int_equal(node_recovery(*ret)->set_aside, 0);
}

static void on_timer(void *arg) { loop_stop(arg); }

void loopturn_init(struct loopturn *t, struct loop *loop)
{
	t->loop = loop;
	assert_int_equal(loop_timer_new(loop, &t->timer, on_timer, loop), 0);
}

void loopturn_run(struct loopturn *t, int64_t ns)
{
	loop_timer_set(t->timer, ns);
	assert_int_equal(loop_run(t->loop), 0);
}

void loopturn_free(struct loopturn *t) { loop_timer_free(t->timer); }
