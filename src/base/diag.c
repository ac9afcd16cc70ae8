#include "base/diag.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>

void diag_clear(struct diag *d)
{
	if (d)
		memset(d, 0, sizeof *d);
}

int diag_set(struct diag *d, int err, enum mo_msg msg)
{
	diag_clear(d);
	if (d) {
		d->err = err;
		d->msg = msg;
	}
	return err;
}

void diag_copy(char *dst, size_t size, struct span text)
{
	static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
	size_t n = 0;
	if (size == 0)
		return;
	while (text.n) {
		uint32_t cp;
		int len = utf8_next(text, &cp);
		size_t step = len > 0 ? (size_t)len : 1;
		const void *from = text.p;
		size_t width = step;
		if (len < 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) {
			from = replacement;
			width = sizeof replacement - 1;
		}
		if (width > size - 1 - n)
			break;
		memcpy(dst + n, from, width);
		n += width;
		text = span_sub(text, step, text.n);
	}
	dst[n] = '\0';
}

void diag_file(struct diag *d, const char *file)
{
	if (d)
		diag_copy(d->file, sizeof d->file, span_str(file));
}

void diag_line(struct diag *d, uint64_t line, uint64_t column)
{
	if (!d)
		return;
	d->line = line;
	d->column = column;
}

void diag_field(struct diag *d, struct span field)
{
	if (d)
		diag_copy(d->field, sizeof d->field, field);
}

void diag_value(struct diag *d, struct span value)
{
	if (d)
		diag_copy(d->value, sizeof d->value, value);
}

void diag_expected(struct diag *d, const char *expected)
{
	if (d)
		diag_copy(d->expected, sizeof d->expected, span_str(expected));
}

/* The place of argument `arg`, or NULL when there is none. */
static struct diag_arg *arg_at(struct diag *d, unsigned arg) { return d && arg < DIAG_ARGS_MAX ? &d->arg[arg] : NULL; }

void diag_int(struct diag *d, unsigned arg, int64_t v)
{
	struct diag_arg *a = arg_at(d, arg);
	if (!a)
		return;
	a->kind = DIAG_INT;
	a->i = v;
}

void diag_real(struct diag *d, unsigned arg, double v)
{
	struct diag_arg *a = arg_at(d, arg);
	if (!a)
		return;
	a->kind = DIAG_REAL;
	a->r = v;
}

void diag_text(struct diag *d, unsigned arg, struct span v)
{
	struct diag_arg *a = arg_at(d, arg);
	if (!a)
		return;
	a->kind = DIAG_TEXT;
	diag_copy(a->text, sizeof a->text, v);
}

#define ERRNO_ROW(e) {e, #e}
static const struct {
	int value;
	const char *name;
} errno_names[] = {
	ERRNO_ROW(E2BIG), ERRNO_ROW(EACCES), ERRNO_ROW(EADDRINUSE), ERRNO_ROW(EADDRNOTAVAIL), ERRNO_ROW(EAFNOSUPPORT),
	ERRNO_ROW(EAGAIN), ERRNO_ROW(EALREADY), ERRNO_ROW(EBADF), ERRNO_ROW(EBUSY), ERRNO_ROW(ECANCELED), ERRNO_ROW(ECHILD),
	ERRNO_ROW(ECONNABORTED), ERRNO_ROW(ECONNREFUSED), ERRNO_ROW(ECONNRESET), ERRNO_ROW(EDEADLK), ERRNO_ROW(EDOM),
	ERRNO_ROW(EDQUOT), ERRNO_ROW(EEXIST), ERRNO_ROW(EFAULT), ERRNO_ROW(EFBIG), ERRNO_ROW(EHOSTDOWN),
	ERRNO_ROW(EHOSTUNREACH), ERRNO_ROW(EILSEQ), ERRNO_ROW(EINPROGRESS), ERRNO_ROW(EINTR), ERRNO_ROW(EINVAL), ERRNO_ROW(EIO),
	ERRNO_ROW(EISCONN), ERRNO_ROW(EISDIR), ERRNO_ROW(ELOOP), ERRNO_ROW(EMFILE), ERRNO_ROW(EMLINK), ERRNO_ROW(EMSGSIZE),
	ERRNO_ROW(ENAMETOOLONG), ERRNO_ROW(ENETDOWN), ERRNO_ROW(ENETUNREACH), ERRNO_ROW(ENFILE), ERRNO_ROW(ENOBUFS),
	ERRNO_ROW(ENODEV), ERRNO_ROW(ENOENT), ERRNO_ROW(ENOEXEC), ERRNO_ROW(ENOLCK), ERRNO_ROW(ENOMEM), ERRNO_ROW(ENOSPC),
	ERRNO_ROW(ENOSYS), ERRNO_ROW(ENOTCONN), ERRNO_ROW(ENOTDIR), ERRNO_ROW(ENOTEMPTY), ERRNO_ROW(ENOTSOCK), ERRNO_ROW(ENOTSUP),
	ERRNO_ROW(ENOTTY), ERRNO_ROW(ENXIO), ERRNO_ROW(EOVERFLOW), ERRNO_ROW(EPERM), ERRNO_ROW(EPIPE), ERRNO_ROW(EPROTO),
	ERRNO_ROW(ERANGE), ERRNO_ROW(EROFS), ERRNO_ROW(ESPIPE), ERRNO_ROW(ESRCH), ERRNO_ROW(ESTALE), ERRNO_ROW(ETIMEDOUT),
	ERRNO_ROW(ETXTBSY), ERRNO_ROW(EXDEV),
};

static int err_of_errno(int e)
{
	switch (e) {
	case ENOSPC:
	case EDQUOT:
		return MO_EFULL;
	case EACCES:
	case EPERM:
	case EROFS:
		return MO_EDENIED;
	case ENOENT:
		return MO_ENOENT;
	case EEXIST:
		return MO_EEXIST;
	case ENOMEM:
		return MO_ENOMEM;
	default:
		return MO_EIO;
	}
}

int diag_errno(struct diag *d, int errno_value, const char *operation, const char *file)
{
	int err = diag_set(d, err_of_errno(errno_value), MSG_OS_ERROR);
	if (!d)
		return err;
	diag_file(d, file);
	diag_text(d, 0, span_str(operation));
	for (size_t i = 0; i < sizeof errno_names / sizeof *errno_names; i++) {
		if (errno_names[i].value == errno_value) {
			diag_text(d, 1, span_str(errno_names[i].name));
			return err;
		}
	}
	char number[24];
	snprintf(number, sizeof number, "errno %d", errno_value);
	diag_text(d, 1, span_str(number));
	return err;
}
