/* The program's commands: one table (commands.c), one file each. Only this room
 * prints and exits.
 *
 * A command is for a principal, as a route is: for whoever runs it that is the
 * local machine, with or without accounts, as who can open a folder's files or
 * its socket can read it anyway (docs/accounts.md). Nothing of a command happens
 * before the rule engine let that principal have its row; where the command
 * asks the node, the node's own gate is told who asks and decides once more. */
#ifndef MO_CMD_CMD_H
#define MO_CMD_CMD_H

#include "api/words.h"
#include "base/buf.h"
#include "base/diag.h"
#include "os/vfs.h"
#include "share/rules.h"

#define MORU_VERSION "0.1.0"

struct cmd {
	struct principal who; /* whom it is for; the name is borrowed */
	enum words_lang lang;
	int argc; /* after the command's name */
	char **argv;
	struct vfs *vfs;
};
struct cmd_row {
	const char *name, *args;
	int (*run)(struct cmd *c);
	unsigned principals;        /* enum principal_kind bits it is for */
	enum permission permission;
	const char *ko, *en;        /* one line */
	const char *more_ko, *more_en;
};
/* NULL: there is no such command. Only cmd_main() runs one. */
const struct cmd_row *cmd_find(const char *name);
/* What the program does with its arguments, for `who`: its exit status. */
int cmd_main(int argc, char **argv, const struct principal *who);
struct cmd_option {
	const char *name; /* "--listen" */
	bool value;       /* takes one */
	const char *got;  /* its value, or "" when it has none */
};
/* Reads options anywhere among the arguments; the rest stays in cmd->argv. MO_EINVAL: said on standard error. An option that may be
 * given several times stands in as many rows, one after another. Options without `got` NULL were given. */
MO_MUST_USE int cmd_options(struct cmd *c, struct cmd_option *o, size_t n);
/* A diag in the user's language, the file before it where the words do not name it. */
void cmd_words(struct buf *out, const struct cmd *c, const struct diag *d);
/* Words that were rendered elsewhere, on standard error in the same way; gives status. */
int cmd_fail_words(const char *file, struct span words, int status);
/* Prints a diag in the user's language on standard error; gives status. */
int cmd_fail(const struct cmd *c, const struct diag *d, int status);
/* Korean or English. */
const char *cmd_text(const struct cmd *c, const char *ko, const char *en);
int cmd_usage(const struct cmd *c, const char *name);

/* ---- args.c ---- */
/* Says that the argument cannot be that, and what it should be; gives 2. */
int cmd_bad(const struct cmd *c, const char *name, const char *value, const char *expected);
/* Says that one option goes with another alone; gives 2. */
int cmd_needs(const struct cmd *c, const char *name, const char *other);
/* Whether so many arguments stand beside the options; else it was said, with the usage. */
bool cmd_count(const struct cmd *c, const char *command, int least, int most);
/* False: said that it is a file. */
bool cmd_is_folder(const struct cmd *c, const char *path);
/* d says that a node runs on the folder: says another command instead when nobody answers at its socket. */
void cmd_held(struct diag *d, const char *folder);
/* A folder is locked and its socket answers nobody, or no more: puts what that means in place of d's words and gives the error. Nobody was
 * ever reached: another command holds the folder; else the node has ended, which `ended` says ({0}: the folder). Other errors are left. */
int cmd_unanswered(struct diag *d, int err, const char *folder, bool reached, enum mo_msg ended);

/* ---- ask.c ---- */
struct cmd_question {
	const char *method; /* NULL: POST */
	const char *path; /* "/api/v1/check?folder=..." */
	const char *content_type;
	struct span body;
	int64_t timeout_ms;
};
#define CMD_HEADER_MAX 128u
/* Tells the node's gate whom the answer is for: "Moru-Partner: NAME", or "" for the local machine, which needs no word at the folder's socket.
 * MO_EDENIED: neither, or a name that is no text for a header; nothing may be asked for it. */
MO_MUST_USE int cmd_header(const struct cmd *c, char out[CMD_HEADER_MAX], struct diag *d);
/* Asks the node that serves the folder, by its socket. Nobody there: cmd_unanswered(). */
MO_MUST_USE int cmd_ask(const struct cmd *c, const char *folder, const struct cmd_question *q, int *ret_status, struct buf *answer, struct diag *d);
/* The `detail` of a finding or a problem document, in the user's language; may be empty. */
struct json_value;
struct span cmd_detail(const struct cmd *c, const struct json_value *o);
/* Says on standard error why the node refused, in its own words. MO_EINVAL: that was no problem document. */
MO_MUST_USE int cmd_refused(const struct cmd *c, struct span problem, int status, struct diag *d);

int cmd_init(struct cmd *c), cmd_serve(struct cmd *c), cmd_import(struct cmd *c), cmd_check(struct cmd *c), cmd_sql(struct cmd *c);
int cmd_debug(struct cmd *c), cmd_demo(struct cmd *c), cmd_passwd(struct cmd *c), cmd_backup(struct cmd *c), cmd_restore(struct cmd *c);
int cmd_export(struct cmd *c);

#endif
