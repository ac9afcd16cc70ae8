/* moru, run for somebody else than who opened the folder (test_cmd_principals.py):
 *   moru_as KIND ARGUMENT...       as `moru ARGUMENT...`, for a principal of that kind
 *   moru_as past KIND COMMAND...   the command's function itself, past the table's decision: what is left is what the node's gate decides */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static bool read_kind(struct principal *ret, const char *name)
{
	for (unsigned k = 0; k < 8; k++)
		if (strcmp(principal_kind_name((enum principal_kind)(1u << k)), name) == 0) {
			*ret = (struct principal){.kind = (enum principal_kind)(1u << k), .name = SPAN_LIT("MCH"), .may = ~(permission_set)0};
			return true;
		}
	return false;
}

int main(int argc, char **argv)
{
	bool past = argc > 1 && strcmp(argv[1], "past") == 0;
	int at = past ? 2 : 1;
	struct cmd c = {.lang = WORDS_EN};
	if (argc < at + 2 || !read_kind(&c.who, argv[at]))
		return 99;
	if (!past)
		return cmd_main(argc - at, argv + at, &c.who);
	const struct cmd_row *k = cmd_find(argv[at + 1]);
	if (!k || vfs_real(&c.vfs) != 0)
		return 99;
	c.argc = argc - at - 2;
	c.argv = argv + at + 2;
	int status = k->run(&c);
	vfs_free(c.vfs);
	return status;
}
