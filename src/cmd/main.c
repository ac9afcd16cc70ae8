/* moru. */
#include "cmd/cmd.h"

/* Whoever runs it: what it may do with a folder and its socket, the system decides by the rights of the files (docs/security.md). */
int main(int argc, char **argv)
{
	const struct principal who = {.kind = PRINCIPAL_LOCAL};
	return cmd_main(argc, argv, &who);
}
