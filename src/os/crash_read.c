/* See crash.h: the reading half. The file may be torn, or written by anybody. */
#include <string.h>

#include "base/num.h"
#include "os/crash.h"

#define MAGIC "moru-crash "

const char *crash_signal_name(int signal)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}, {SIGABRT, "SIGABRT"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].number == signal)
			return names[i].name;
	return "signal";
}

/* The next word of a line, without the blanks around it. */
static struct span word(struct span *line)
{
	struct span s = span_trim(*line);
	size_t n = span_find(s, 0, ' ');
	*line = span_sub(s, n, s.n);
	return span_sub(s, 0, n);
}

static void take(char *to, size_t size, struct span s)
{
	size_t n = 0;
	for (; n < s.n && n < size - 1; n++)
		to[n] = s.p[n] > 0x20 && s.p[n] < 0x7f ? (char)s.p[n] : '?';
	to[n] = 0;
}

static int64_t number(struct span s)
{
	int64_t v;
	return num_i64(&v, s) == 0 ? v : 0;
}

static bool hex(uint64_t *ret, struct span s)
{
	uint64_t v = 0;
	if (!span_starts(s, "0x") || s.n < 3 || s.n > 18)
		return false;
	for (size_t i = 2; i < s.n; i++) {
		uint8_t ch = s.p[i];
		unsigned digit = ch >= '0' && ch <= '9' ? ch - 0u - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10u : 16u;
		if (digit > 15)
			return false;
		v = v << 4 | digit;
	}
	*ret = v;
	return true;
}

static void read_note(struct crash_report *r, struct span rest)
{
	struct crash_line *l = &r->lines[r->n_lines];
	struct span t = word(&rest), level = word(&rest), code = word(&rest);
	if (r->n_lines == CRASH_NOTES || num_i64(&l->t_ns, t) != 0 || !level.n || !code.n)
		return;
	take(l->level, sizeof l->level, level);
	take(l->code, sizeof l->code, code);
	r->n_lines++;
}

static void read_line(struct crash_report *r, struct span line)
{
	struct span rest = line, name = word(&rest), words = rest, value = word(&rest);
	if (span_is(name, "version"))
		take(r->version, sizeof r->version, value);
	else if (span_is(name, "build"))
		take(r->build, sizeof r->build, value);
	else if (span_is(name, "pid"))
		r->pid = number(value);
	else if (span_is(name, "started"))
		r->started_ns = number(value);
	else if (span_is(name, "signal")) {
		int64_t n = number(value);
		r->signal = n > 0 && n < 128 ? (int)n : 0;
	} else if (span_is(name, "code")) {
		int64_t n = number(value);
		r->code = n >= INT32_MIN && n <= INT32_MAX ? (int)n : 0;
	} else if (span_is(name, "address"))
		r->has_address = hex(&r->address, value);
	else if (span_is(name, "sender"))
		r->sender = number(value);
	else if (span_is(name, "time"))
		r->t_ns = number(value);
	else if (span_is(name, "thread")) {
		r->thread_id = number(value);
		take(r->thread, sizeof r->thread, word(&rest));
	} else if (span_is(name, "pc"))
		take(r->pc, sizeof r->pc, value);
	else if (span_is(name, "note"))
		read_note(r, words);
	else if (span_is(name, "frame") && value.n && r->n_frames < CRASH_FRAMES_MAX)
		take(r->frames[r->n_frames++], CRASH_WORD_MAX, value);
	else if (span_is(name, "end") && !value.n)
		r->whole = r->signal != 0;
}

int crash_read(struct crash_report *ret, struct span text)
{
	size_t end = span_find(text, 0, '\n');
	struct span first = span_sub(text, 0, end);
	int64_t version;
	if (!span_starts(first, MAGIC) || num_i64(&version, span_sub(first, sizeof MAGIC - 1, first.n)) != 0 || version < 1)
		return MO_EINVAL;
	if (version > 1)
		return MO_EVERSION;
	memset(ret, 0, sizeof *ret);
	text = span_sub(text, 0, span_find(text, 0, 0)); /* blocks that were reserved and never written */
	for (size_t at = end + 1; at < text.n && at < CRASH_FILE_MAX; at = end + 1) {
		end = span_find(text, at, '\n');
		/* A line without its end was torn off. */
		if (end < text.n)
			read_line(ret, span_sub(text, at, end - at));
	}
	return 0;
}
