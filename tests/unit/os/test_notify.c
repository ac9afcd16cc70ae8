/* Word to the service manager arrives as one datagram; where nobody listens, nothing is lost but that. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/notify.h"
#include "os/proc.h"

#include <sys/resource.h>

static char dir[] = "/tmp/moru-notify-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int listen_at(const char *name, size_t n)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	memcpy(a.sun_path, name, n);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, (socklen_t)(sizeof a.sun_family + n)), 0);
	return fd;
}

static void arrives(struct notify *n, int fd, const char *text)
{
	char got[64] = "";
	notify_say(n, text);
	assert_int_equal(recv(fd, got, sizeof got - 1, MSG_DONTWAIT), strlen(text));
	assert_string_equal(got, text);
}

static void a_path(void **state)
{
	(void)state;
	char path[64];
	struct notify *n = NULL;
	snprintf(path, sizeof path, "%s/s", dir);
	int fd = listen_at(path, strlen(path));
	assert_int_equal(notify_new(&n, path), 0);
	arrives(n, fd, "READY=1");
	arrives(n, fd, "RELOADING=1\nMONOTONIC_USEC=1");
	(void)close(fd);
	notify_say(n, "STOPPING=1"); /* nobody there any more */
	notify_free(n);
	(void)unlink(path);
}

static void a_name_of_the_abstract_space(void **state)
{
	(void)state;
	char name[64];
	struct notify *n = NULL;
	int len = snprintf(name, sizeof name, "@moru-test-%d", (int)getpid());
	name[0] = 0;
	int fd = listen_at(name, (size_t)len);
	name[0] = '@';
	assert_int_equal(notify_new(&n, name), 0);
	arrives(n, fd, "WATCHDOG=1");
	(void)close(fd);
	notify_free(n);
}

static void nobody_wants_to_know(void **state)
{
	(void)state;
	struct notify *n = (struct notify *)1;
	assert_int_equal(notify_new(&n, NULL), 0);
	assert_null(n);
	n = (struct notify *)1;
	assert_int_equal(notify_new(&n, ""), 0);
	assert_null(n);
	notify_say(NULL, "READY=1");
	notify_free(NULL);
	char large[200] = "/";
	memset(large + 1, 'x', sizeof large - 2);
	assert_int_equal(notify_new(&n, "run/x"), MO_EINVAL);
	assert_int_equal(notify_new(&n, "@"), MO_EINVAL);
	assert_int_equal(notify_new(&n, large), MO_EINVAL);
}

/* The two limits that a service sets for itself. Last: they hold for the rest of the process. */
static void limits(void **state)
{
	(void)state;
	struct rlimit l = {64, 128};
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
	assert_int_equal(proc_raise_files(100), 100);
	assert_int_equal(proc_files_limit(), 100);
	assert_int_equal(proc_raise_files(50), 100);
	assert_int_equal(proc_raise_files(100000), 128);
	assert_int_equal(proc_no_core(), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &l), 0);
	assert_true(l.rlim_cur <= 1 && l.rlim_max <= 1);
	assert_int_equal(proc_no_core(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path), cmocka_unit_test(a_name_of_the_abstract_space), cmocka_unit_test(nobody_wants_to_know), cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
