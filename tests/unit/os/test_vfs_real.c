/* The real files, in a folder of their own under the temporary one. */
#include "cm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/priv/oserr.h"
#include "os/vfs.h"

static struct vfs *v;
static char dir[64];
static char place[8][128];

/* A path in the folder; eight at a time. */
static const char *in(const char *name)
{
	static unsigned next;
	char *p = place[next++ % 8];
	(void)snprintf(p, sizeof place[0], "%s/%s", dir, name);
	return p;
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof dir, "/tmp/moru-vfs-XXXXXX");
	return mkdtemp(dir) && vfs_real(&v) == 0 ? 0 : -1;
}

static int remove_one(void *arg, const char *name)
{
	(void)arg;
	const char *p = in(name);
	return unlink(p) == 0 || rmdir(p) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	int r = vfs_list(v, dir, remove_one, NULL);
	vfs_free(v);
	vfs_free(NULL);
	return r ? r : rmdir(dir);
}

static struct vfs_file *make(const char *name, unsigned flags)
{
	struct vfs_file *f = NULL;
	assert_int_equal(vfs_open(v, &f, in(name), VFS_WRITE | VFS_CREATE | flags, NULL), 0);
	return f;
}

static void content_comes_back(void **state)
{
	struct vfs_file *f = make("f", 0);
	uint8_t b[16];
	size_t n = 0;
	uint64_t size = 0;
	const uint8_t *view = NULL;
	(void)state;
	assert_int_equal(vfs_pwrite(f, "hello", 5, 3), 0);
	assert_int_equal(vfs_sync(f), 0);
	assert_int_equal(vfs_size(f, &size), 0);
	assert_int_equal(size, 8);
	assert_int_equal(vfs_pread(f, b, 16, 0, &n), 0);
	assert_int_equal(n, 8);
	assert_memory_equal(b, "\0\0\0hello", 8);
	assert_int_equal(vfs_pread(f, b, 16, 100, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(vfs_read_full(f, b, 9, 0), MO_ECORRUPT);
	assert_int_equal(vfs_map(f, 8, &view), 0);
	assert_memory_equal(view, "\0\0\0hello", 8);
	vfs_unmap(f, view, 8);
	assert_int_equal(vfs_map(f, 9, &view), MO_ECORRUPT);
	assert_int_equal(vfs_map(f, 0, &view), 0);
	vfs_unmap(f, view, 0);
	assert_int_equal(vfs_truncate(f, 4), 0);
	assert_int_equal(vfs_allocate(f, 100000), 0);
	assert_int_equal(vfs_allocate(f, 50), 0); /* never cuts */
	assert_int_equal(vfs_allocate(f, 0), 0);
	assert_int_equal(vfs_size(f, &size), 0);
	assert_int_equal(size, 100000);
	assert_int_equal(vfs_read_full(f, b, 6, 2), 0);
	assert_memory_equal(b, "\0h\0\0\0\0", 6);
	assert_int_equal(vfs_pwrite(f, "x", 1, UINT64_MAX), MO_EINVAL);
	assert_int_equal(vfs_pread(f, b, 1, (uint64_t)INT64_MAX, &n), MO_EINVAL);
	assert_int_equal(vfs_truncate(f, UINT64_MAX), MO_EINVAL);
	assert_int_equal(vfs_allocate(f, UINT64_MAX), MO_EINVAL);
	vfs_close(f);
}

static void allocated_blocks_are_reserved(void **state)
{
	struct vfs_file *f = make("blocks", 0);
	struct stat st;
	(void)state;
	assert_int_equal(vfs_allocate(f, 1 << 20), 0);
	assert_int_equal(stat(in("blocks"), &st), 0);
	assert_true((uint64_t)st.st_blocks * 512 >= 1 << 20);
	vfs_close(f);
}

/* A pipe in the place of the descriptor makes the sync fail; when the file is back, the handle still does not believe. */
static void a_failed_sync_is_final(void **state)
{
	int fd[2], place_of_next = dup(0);
	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(close(place_of_next), 0);
	struct vfs_file *f = make("failing", 0);
	int saved = dup(place_of_next);
	assert_int_equal(vfs_pwrite(f, "x", 1, 0), 0);
	assert_int_equal(vfs_sync(f), 0);
	assert_int_equal(dup2(fd[1], place_of_next), place_of_next);
	assert_int_equal(vfs_sync(f), MO_EINVAL);
	assert_int_equal(dup2(saved, place_of_next), place_of_next);
	assert_int_equal(vfs_sync(f), MO_EIO);
	vfs_close(f);
	close(saved);
	close(fd[0]);
	close(fd[1]);
}

static mode_t mode_of(const char *name)
{
	struct stat st;
	assert_int_equal(stat(in(name), &st), 0);
	return st.st_mode & 0777;
}

static void opening_has_rules(void **state)
{
	struct vfs_file *f = NULL;
	struct diag d;
	mode_t before = umask(022);
	(void)state;
	assert_int_equal(vfs_open(v, &f, in("absent"), VFS_READ, &d), MO_ENOENT);
	assert_int_equal(d.err, MO_ENOENT);
	assert_int_equal(d.msg, MSG_OS_ERROR);
	assert_string_equal(d.file, in("absent"));
	assert_string_equal(d.arg[0].text, "open");
	assert_string_equal(d.arg[1].text, "ENOENT");
	vfs_close(make("open", 0));
	assert_int_equal(mode_of("open"), 0640);
	vfs_close(make("hidden", VFS_SECRET));
	assert_int_equal(mode_of("hidden"), 0600);
	assert_int_equal(vfs_open(v, &f, in("open"), VFS_WRITE | VFS_CREATE | VFS_EXCL, &d), MO_EEXIST);
	assert_int_equal(d.err, MO_EEXIST);
	assert_int_equal(vfs_open(v, &f, dir, VFS_READ, NULL), MO_EINVAL);
	assert_int_equal(vfs_open(v, &f, in("open/x"), VFS_READ, NULL), MO_ENOENT);
	/* A FIFO must neither block nor count as a file. */
	assert_int_equal(mkfifo(in("fifo"), 0600), 0);
	assert_int_equal(vfs_open(v, &f, in("fifo"), VFS_READ, NULL), MO_EINVAL);
	assert_int_equal(vfs_open(v, &f, in("open"), VFS_READ, NULL), 0);
	assert_int_equal(vfs_pwrite(f, "x", 1, 0), MO_ESTATE);
	assert_int_equal(vfs_truncate(f, 0), MO_ESTATE);
	vfs_close(f);
	(void)umask(before);
}

static int has_name(void *arg, const char *name) { return strcmp(name, arg) == 0 ? 1 : 0; }

static void folders_and_names(void **state)
{
	struct vfs_stat st;
	char deep[] = "g", missing[] = "missing";
	(void)state;
	assert_int_equal(vfs_mkdir(v, in("d"), true), 0);
	assert_int_equal(mode_of("d"), 0700);
	assert_int_equal(vfs_mkdir(v, in("d"), false), 0);
	vfs_close(make("d/f", 0));
	assert_int_equal(vfs_mkdir(v, in("d/f"), false), MO_EEXIST);
	assert_int_equal(vfs_rmdir(v, in("d")), MO_ESTATE);
	assert_int_equal(vfs_stat(v, in("d"), &st), 0);
	assert_true(st.is_dir);
	assert_int_equal(vfs_rename(v, in("d/f"), in("d/g")), 0);
	assert_int_equal(vfs_sync_dir(v, in("d")), 0);
	assert_int_equal(vfs_sync_dir(v, in("nowhere")), MO_ENOENT);
	assert_int_equal(vfs_list(v, in("d"), has_name, deep), 1);
	assert_int_equal(vfs_list(v, in("d"), has_name, missing), 0);
	assert_int_equal(vfs_list(v, in("nowhere"), has_name, deep), MO_ENOENT);
	assert_int_equal(vfs_stat(v, in("d/g"), &st), 0);
	assert_false(st.is_dir);
	assert_true(st.mtime_ns > 0);
	assert_int_equal(vfs_unlink(v, in("d/g")), 0);
	assert_int_equal(vfs_unlink(v, in("d/g")), MO_ENOENT);
	assert_int_equal(vfs_rename(v, in("d/g"), in("d/h")), MO_ENOENT);
	assert_int_equal(vfs_rmdir(v, in("d")), 0);
}

static void whole_files(void **state)
{
	uint8_t *p = NULL;
	size_t n = 0;
	struct vfs_stat st;
	(void)state;
	assert_int_equal(vfs_replace(v, in("whole"), SPAN_LIT("one"), false, NULL), 0);
	assert_int_equal(vfs_replace(v, in("whole"), SPAN_LIT("two"), true, NULL), 0);
	assert_int_equal(mode_of("whole"), 0600);
	assert_int_equal(vfs_stat(v, in("whole.tmp"), &st), MO_ENOENT);
	assert_int_equal(vfs_slurp(v, &p, &n, in("whole"), 3, NULL), 0);
	assert_string_equal((char *)p, "two");
	free(p);
	assert_int_equal(vfs_slurp(v, &p, &n, in("whole"), 2, NULL), MO_ELIMIT);
	/* Claims size 0 and is longer than one read. */
	assert_int_equal(vfs_slurp(v, &p, &n, "/proc/self/maps", 1 << 20, NULL), 0);
	assert_true(n > 100);
	assert_int_equal(p[n], 0);
	free(p);
	assert_int_equal(vfs_slurp(v, &p, &n, "/proc/self/maps", 100, NULL), MO_ELIMIT);
}

static void a_lock_holds_against_all(void **state)
{
	struct vfs_file *a = NULL, *b = NULL;
	(void)state;
	assert_int_equal(vfs_lock(v, &a, in("lock")), 0);
	assert_int_equal(vfs_lock(v, &b, in("lock")), MO_EBUSY);
	/* Nor does opening and closing the file here let it go (as a POSIX lock would). */
	vfs_close(make("lock", 0));
	pid_t pid = fork();
	if (pid == 0)
		_exit(vfs_lock(v, &b, in("lock")) == MO_EBUSY ? 0 : 1);
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	vfs_close(a);
	assert_int_equal(vfs_lock(v, &b, in("lock")), 0);
	vfs_close(b);
}

/* Killed, the holder needs no hand to be succeeded. */
static void a_lock_dies_with_its_holder(void **state)
{
	struct vfs_file *f = NULL;
	int fd[2];
	char c;
	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid_t pid = fork();
	if (pid == 0) {
		ssize_t n = vfs_lock(v, &f, in("lock2")) == 0 ? write(fd[1], "x", 1) : -1;
		if (n == 1)
			(void)pause();
		_exit(1);
	}
	assert_int_equal(read(fd[0], &c, 1), 1);
	assert_int_equal(vfs_lock(v, &f, in("lock2")), MO_EBUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(vfs_lock(v, &f, in("lock2")), 0);
	vfs_close(f);
	close(fd[0]);
	close(fd[1]);
}

static void space_is_told(void **state)
{
	uint64_t left = 0, total = 0;
	(void)state;
	assert_int_equal(vfs_space(v, dir, &left, &total), 0);
	assert_true(total > 0 && left <= total);
	assert_int_equal(vfs_space(v, in("nowhere"), &left, &total), MO_ENOENT);
}

/* A full disk cannot be had safely; its errno is looked at directly. */
static void errors_have_their_codes(void **state)
{
	static const struct {
		int e, code;
	} t[] = {{ENOSPC, MO_EFULL}, {EDQUOT, MO_EFULL}, {ENOENT, MO_ENOENT}, {EROFS, MO_EDENIED}, {EACCES, MO_EDENIED}, {EIO, MO_EIO},
		{EMFILE, MO_ELIMIT}, {ENOMEM, MO_ENOMEM}, {EEXIST, MO_EEXIST}, {EBUSY, MO_EBUSY}, {ENOTEMPTY, MO_ESTATE}, {EINVAL, MO_EINVAL}};
	struct diag d;
	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		assert_int_equal(os_errno(t[i].e), t[i].code);
		assert_int_equal(os_errno(os_errno_for(t[i].code)), t[i].code);
		assert_int_equal(os_errno_diag(&d, t[i].e, "write", "f"), t[i].code);
		assert_int_equal(d.err, t[i].code);
	}
	assert_int_equal(os_errno(ELNRNG), MO_EIO);
	assert_int_equal(os_errno_for(MO_EPROTO), EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_comes_back),
		cmocka_unit_test(allocated_blocks_are_reserved),
		cmocka_unit_test(a_failed_sync_is_final),
		cmocka_unit_test(opening_has_rules),
		cmocka_unit_test(folders_and_names),
		cmocka_unit_test(whole_files),
		cmocka_unit_test(a_lock_holds_against_all),
		cmocka_unit_test(a_lock_dies_with_its_holder),
		cmocka_unit_test(space_is_told),
		cmocka_unit_test(errors_have_their_codes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
