/* Runs a libFuzzer target over the files of its corpus: every argument is a
 * file or a folder. Fails when nothing was there to run. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return -1;
	/* Exactly as large as the input, so that a read past the end is seen by ASan. */
	struct stat st;
	if (fstat(fileno(f), &st) != 0) {
		fclose(f);
		return -1;
	}
	size_t n = (size_t)st.st_size;
	uint8_t *p = malloc(n ? n : 1);
	if (!p || fread(p, 1, n, f) != n) {
		free(p);
		fclose(f);
		return -1;
	}
	LLVMFuzzerTestOneInput(p, n);
	free(p);
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned done = 0;
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		if (!d) {
			if (run_file(argv[i]) != 0)
				return 1;
			done++;
			continue;
		}
		for (struct dirent *e; (e = readdir(d));) {
			char path[4096];
			if (e->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name) >= (int)sizeof path)
				continue;
			if (run_file(path) != 0)
				return 1;
			done++;
		}
		closedir(d);
	}
	printf("%u inputs replayed\n", done);
	return done ? 0 : 1;
}
