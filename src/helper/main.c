/* moru-helper: work that needs memory or libraries the node should not carry.
 * Started by the node on demand, with a memory limit; its death is an error
 * message there, never an outage. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helper/serve.h"

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return serve_run(STDIN_FILENO, STDOUT_FILENO);
	(void)fprintf(stderr, "usage: moru-helper serve\n"
	                      "Started by moru itself: requests on standard input, answers on standard output.\n");
	return 2;
}
