#include "copytree.h"

#include <stdlib.h>
#include <string.h>

#include "cm.h"

#define PAGE 4096u

/* What is not zero; files of memory keep holes as such, and logs are mostly that. */
static void copy_bytes(struct vfs_file *f, const uint8_t *p, size_t n)
{
	static const uint8_t zeros[PAGE];
	size_t from = 0;
	assert_int_equal(vfs_allocate(f, n), 0);
	for (size_t at = 0; at < n; at += PAGE) {
		size_t k = n - at < PAGE ? n - at : PAGE;
		bool hole = memcmp(p + at, zeros, k) == 0;
		if (hole || at + k == n) {
			size_t to = hole ? at : n;
			if (to > from)
				assert_int_equal(vfs_pwrite(f, p + from, to - from, from), 0);
			from = at + k;
		}
	}
}

struct copying {
	struct vfs *from, *to;
	const char *dir;
};

static int copy_one(void *arg, const char *name)
{
	struct copying *c = arg;
	struct vfs_stat st;
	char *path = vfs_join(c->dir, name);
	assert_non_null(path);
	assert_int_equal(vfs_stat(c->from, path, &st), 0);
	if (st.is_dir) {
		copy_tree(c->from, c->to, path);
	} else {
		uint8_t *p = NULL;
		size_t n = 0;
		struct vfs_file *f = NULL;
		assert_int_equal(vfs_slurp(c->from, &p, &n, path, 64u << 20, NULL), 0);
		assert_int_equal(vfs_open(c->to, &f, path, VFS_WRITE | VFS_CREATE, NULL), 0);
		copy_bytes(f, p, n);
		assert_int_equal(vfs_sync(f), 0);
		vfs_close(f);
		free(p);
	}
	free(path);
	return 0;
}

struct names {
	char name[512][72];
	size_t n;
};

static int on_name(void *arg, const char *name)
{
	struct names *l = arg;
	assert_true(l->n < 512 && strlen(name) < 72);
	memcpy(l->name[l->n++], name, strlen(name) + 1);
	return 0;
}

void copy_tree(struct vfs *from, struct vfs *to, const char *dir)
{
	struct copying c = {from, to, dir};
	struct names *l = calloc(1, sizeof *l);
	char *parent = vfs_parent(dir);
	assert_true(l && parent);
	assert_int_equal(vfs_mkdir(to, dir, false), 0);
	assert_int_equal(vfs_list(from, dir, on_name, l), 0);
	for (size_t i = 0; i < l->n; i++)
		assert_int_equal(copy_one(&c, l->name[i]), 0);
	assert_int_equal(vfs_sync_dir(to, dir), 0);
	assert_int_equal(vfs_sync_dir(to, parent), 0);
	free(parent);
	free(l);
}
