/* From exec to ready: starts a program, waits for "ready on" on its standard
 * error, ends it with SIGTERM, and prints how long it took and how much CPU
 * time the program had used by then, in milliseconds.
 *
 *   ready PROGRAM ARGUMENT...      status 1 when it ended before it was ready, or not with status 0 */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int p[2], status;
	struct timespec t0, t1, used = {0, 0};
	clockid_t its;
	char text[65536];
	size_t n = 0;
	pid_t pid;

	posix_spawn_file_actions_t with;

	if (argc < 2 || pipe(p) < 0 || posix_spawn_file_actions_init(&with) != 0 || posix_spawn_file_actions_adddup2(&with, p[1], 2) != 0 ||
		posix_spawn_file_actions_addclose(&with, p[0]) != 0 || posix_spawn_file_actions_addclose(&with, p[1]) != 0) {
		fprintf(stderr, "usage: ready PROGRAM ARGUMENT...\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &t0);
	if (posix_spawn(&pid, argv[1], &with, NULL, argv + 1, environ) != 0) {
		fprintf(stderr, "ready: cannot start %s\n", argv[1]);
		return 1;
	}
	close(p[1]);
	for (;;) {
		ssize_t got = n < sizeof text - 1 ? read(p[0], text + n, sizeof text - 1 - n) : 0;
		if (got <= 0)
			break;
		n += (size_t)got;
		text[n] = 0;
		if (strstr(text, "ready on"))
			break;
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	if (clock_getcpuclockid(pid, &its) == 0)
		clock_gettime(its, &used);
	text[n] = 0;
	kill(pid, SIGTERM);
	while (read(p[0], text, sizeof text - 1) > 0)
		;
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "ready: %s ended with wait status %#x: %.200s\n", argv[1], (unsigned)status, text);
		return 1;
	}
	printf("ready_ms=%.3f cpu_ms=%.3f\n", (double)(t1.tv_sec - t0.tv_sec) * 1e3 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e6,
		(double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6);
	return 0;
}
