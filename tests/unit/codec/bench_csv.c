/* How fast csv.c splits: bench_csv FILE [ROUNDS]. Reads the file once, then
 * feeds it in pieces of 1 MB and prints bytes per CPU-second. Not a test. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "codec/csv.h"
#include "codec/text.h"

#define PIECE (1u << 20)

static double cpu_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void report(const char *what, double bytes, double s, double rows)
{
	printf("%-8s %6.2f GB/s %8.1f M rows/s\n", what, bytes / s / 1e9, rows / s / 1e6);
}

static int run(struct span text, unsigned rounds)
{
	uint64_t rows = 0, fields = 0, bytes = 0;
	double t = cpu_s();
	for (unsigned k = 0; k < rounds; k++) {
		struct csv_reader *r;
		struct csv_record rec;
		if (csv_reader_new(&r, csv_guess_delimiter(span_sub(text, 0, 65536))))
			return 1;
		for (size_t at = 0; at < text.n; at += PIECE) {
			csv_feed(r, span_sub(text, at, PIECE));
			while (csv_next(r, &rec, NULL) == 0) {
				rows++;
				fields += rec.n;
				bytes += rec.n ? rec.fields[rec.n - 1].n : 0;
			}
		}
		csv_reader_free(r);
	}
	report("split", (double)text.n * rounds, cpu_s() - t, (double)rows);
	printf("         %.1f fields a row, checksum %llu\n", (double)fields / (double)rows, (unsigned long long)bytes);
	t = cpu_s();
	for (unsigned k = 0; k < rounds; k++) {
		struct text_decoder *d;
		struct buf out;
		buf_init(&out, 0);
		if (text_decoder_new(&d, TEXT_UTF8))
			return 1;
		for (size_t at = 0; at < text.n; at += PIECE) {
			buf_reset(&out);
			if (text_decode(d, &out, span_sub(text, at, PIECE), false))
				return 1;
		}
		text_decoder_free(d);
		buf_free(&out);
	}
	report("decode", (double)text.n * rounds, cpu_s() - t, 0);
	return 0;
}

int main(int argc, char **argv)
{
	FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;
	struct buf text;
	uint8_t *p;
	size_t n;
	if (!f)
		return 2;
	buf_init(&text, 0);
	while ((p = buf_reserve(&text, PIECE)) && (n = fread(p, 1, PIECE, f)) > 0)
		text.n += n;
	fclose(f);
	int e = run(buf_span(&text), argc > 2 ? (unsigned)atoi(argv[2]) : 100);
	buf_free(&text);
	return e;
}
