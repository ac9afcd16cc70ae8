/* The PC's zone: who tells it, in which order, and what is no answer. Needs the system's zone files (tzdata), as the node does. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/zonename.h"

static char etc[] = "/tmp/moru-zonename-XXXXXX";

static void lay(const char *link, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "%s/localtime", etc);
	unlink(path);
	if (link)
		assert_int_equal(symlink(link, path), 0);
	snprintf(path, sizeof path, "%s/timezone", etc);
	unlink(path);
	if (text) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	}
}

static void test_who_tells_it(void **state)
{
	(void)state;
	static const struct {
		const char *tz, *link, *text, *want; /* want NULL: none */
	} rows[] = {
		{"Europe/Paris", "/usr/share/zoneinfo/Asia/Tokyo", "UTC\n", "Europe/Paris"},
		{":Europe/Paris", NULL, NULL, "Europe/Paris"},
		{"/usr/share/zoneinfo/Europe/Paris", NULL, NULL, "Europe/Paris"},
		{":/usr/share/zoneinfo/right/Europe/Paris", NULL, NULL, "Europe/Paris"},
		{NULL, "/usr/share/zoneinfo/Asia/Tokyo", "UTC\n", "Asia/Tokyo"},
		{"", "../usr/share/zoneinfo/posix/Asia/Tokyo", NULL, "Asia/Tokyo"},
		{"KST-9", "/usr/share/zoneinfo/Asia/Tokyo", NULL, "Asia/Tokyo"},
		{"Nowhere/Atall", "/usr/share/zoneinfo/Asia/Tokyo", NULL, "Asia/Tokyo"},
		{"../Asia/Tokyo", NULL, NULL, NULL},
		{NULL, "/usr/share/zoneinfo/localtime", "America/Argentina/Buenos_Aires\n", "America/Argentina/Buenos_Aires"},
		{NULL, "/somewhere/else", "Etc/UTC\n", "Etc/UTC"},
		{NULL, NULL, "Asia/Seoul", "Asia/Seoul"},
		{NULL, NULL, "Asia/Seoul # ours\nUTC\n", "Asia/Seoul"},
		{NULL, NULL, "", NULL},
		{NULL, NULL, "Asia\n", NULL},
		{NULL, NULL, NULL, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char got[ZONENAME_MAX] = "untouched";
		lay(rows[i].link, rows[i].text);
		if (zonename_local(got, rows[i].tz, etc) != (rows[i].want != NULL) || strcmp(got, rows[i].want ? rows[i].want : "untouched") != 0)
			fail_msg("row %zu: %s", i, got);
	}
}

static void test_known(void **state)
{
	(void)state;
	char name[ZONENAME_MAX + 1];
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = 0;
	assert_true(zonename_known("Asia/Seoul") && zonename_known("UTC"));
	assert_false(zonename_known("") || zonename_known("Asia") || zonename_known("/Asia/Seoul") || zonename_known("Asia/../UTC") || zonename_known("Asia/Seoulx"));
	assert_false(zonename_known(name) || zonename_known("localtime"));
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(etc) ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	lay(NULL, NULL);
	return rmdir(etc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_who_tells_it), cmocka_unit_test(test_known)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
