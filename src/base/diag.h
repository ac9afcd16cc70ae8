/* Where and why something was refused, in words a user can act on. Holds a
 * message id and typed arguments, never a sentence: api, cmd and ui render it
 * in the reader's language from the one catalogue (words/NAME.tsv).
 * Fixed size, no allocation; text arguments are cut at a UTF-8 boundary. */
#ifndef MO_BASE_DIAG_H
#define MO_BASE_DIAG_H

#include "base/err.h"
#include "base/span.h"
#include "base/words.h" /* generated: enum mo_msg, MSG_* */

#define DIAG_TEXT_MAX 192u
#define DIAG_FILE_MAX 512u
#define DIAG_ARGS_MAX 4u

enum diag_arg_kind { DIAG_NONE, DIAG_INT, DIAG_REAL, DIAG_TEXT };
struct diag_arg {
	enum diag_arg_kind kind;
	int64_t i;
	double r;
	char text[DIAG_TEXT_MAX];
};
struct diag {
	int err;                       /* enum mo_err */
	enum mo_msg msg;               /* MSG_NONE: nothing was said */
	char file[DIAG_FILE_MAX];      /* "" unless about a file */
	uint64_t line, column;         /* 1-based; 0: unknown. column counts code points */
	char field[DIAG_TEXT_MAX];     /* column, key, register: what the place is called */
	char value[DIAG_TEXT_MAX];     /* what stood there */
	char expected[DIAG_TEXT_MAX];  /* what should have: a format or range, language-neutral ("0..65535", "YYYY-MM-DD") */
	struct diag_arg arg[DIAG_ARGS_MAX]; /* {0}..{3} of the message */
};

/* All functions take d == NULL and do nothing then. */
void diag_clear(struct diag *d);
/* Clears, sets err and msg, gives back err: `return diag_set(d, MO_EINVAL, MSG_X);` */
int diag_set(struct diag *d, int err, enum mo_msg msg);
void diag_file(struct diag *d, const char *file);
void diag_line(struct diag *d, uint64_t line, uint64_t column);
void diag_field(struct diag *d, struct span field);
void diag_value(struct diag *d, struct span value);
void diag_expected(struct diag *d, const char *expected);
void diag_int(struct diag *d, unsigned arg, int64_t v);
void diag_real(struct diag *d, unsigned arg, double v);
void diag_text(struct diag *d, unsigned arg, struct span v);
/* From errno: MO_EFULL (ENOSPC, EDQUOT), MO_EDENIED (EACCES, EPERM, EROFS), MO_ENOENT, MO_EEXIST, MO_ENOMEM, else MO_EIO;
 * with MSG_OS_ERROR, {0} the operation, {1} the errno name. file may be NULL. */
int diag_errno(struct diag *d, int errno_value, const char *operation, const char *file);

/* Copies UTF-8 text into dst (size bytes with NUL), cut at a code-point
 * boundary, invalid bytes replaced by U+FFFD, control characters by U+FFFD. */
void diag_copy(char *dst, size_t size, struct span text);

#endif
