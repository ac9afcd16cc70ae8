/* Seoul's zone in a file system of memory, where a node looks for it. Read once from the machine's own. */
#ifndef MO_TEST_ZONEFILE_H
#define MO_TEST_ZONEFILE_H

#include <stdlib.h>

#include "os/vfs.h"

#define ZONEFILE "/usr/share/zoneinfo/Asia/Seoul"
struct zonefile {
	uint8_t *bytes; /* malloc'ed */
	size_t n;
};
static inline bool zonefile_read(struct zonefile *z)
{
	struct vfs *real;
	if (vfs_real(&real) != 0)
		return false;
	bool there = vfs_slurp(real, &z->bytes, &z->n, ZONEFILE, 1 << 20, NULL) == 0;
	vfs_free(real);
	return there;
}

static inline void zonefile_put(const struct zonefile *z, struct vfs *v)
{
	static const char *const dirs[] = {"/usr", "/usr/share", "/usr/share/zoneinfo", "/usr/share/zoneinfo/Asia"};
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(vfs_mkdir(v, dirs[i], false), 0);
	assert_int_equal(vfs_replace(v, ZONEFILE, span_of(z->bytes, z->n), false, NULL), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(vfs_sync_dir(v, dirs[i]), 0);
	assert_int_equal(vfs_sync_dir(v, "/"), 0);
}

#endif
