/* Any bytes as what a crash left: a report whose texts end and hold printable ASCII alone, or a refusal. */
#include <stdlib.h>
#include <string.h>

#include "os/crash.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void word(const char *s, size_t size)
{
	const char *end = memchr(s, 0, size);
	if (!end)
		abort();
	for (; s < end; s++)
		if (*s <= 0x20 || *s >= 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct crash_report *r = malloc(sizeof *r);
	int err = r ? crash_read(r, span_of(p, n)) : MO_ENOMEM;
	if (err == 0) {
		word(r->version, sizeof r->version);
		word(r->build, sizeof r->build);
		word(r->thread, sizeof r->thread);
		word(r->pc, sizeof r->pc);
		if (r->n_frames > CRASH_FRAMES_MAX || r->n_lines > CRASH_NOTES || r->signal < 0 || r->signal > 127 || (r->whole && !r->signal))
			abort();
		for (unsigned i = 0; i < r->n_frames; i++)
			word(r->frames[i], sizeof r->frames[i]);
		for (unsigned i = 0; i < r->n_lines; i++) {
			word(r->lines[i].level, sizeof r->lines[i].level);
			word(r->lines[i].code, sizeof r->lines[i].code);
		}
	} else if (err != MO_EINVAL && err != MO_EVERSION && err != MO_ENOMEM) {
		abort();
	}
	free(r);
	return 0;
}
