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
#define CMD_PATH_MAX 4096u
/* The path as the node has to be told it, which may stand in another folder than we do; below `max` bytes of UTF-8. folder: slashes at its end are
 * left out; else it may have none. False: it is no such path. */
bool cmd_absolute(char out[CMD_PATH_MAX], const char *path, size_t max, bool folder);
/* False: said that it is a file. */
bool cmd_is_folder(const struct cmd *c, const char *path);
/* d says that a node runs on the folder: says another command instead when nobody answers at its socket. */
void cmd_held(struct diag *d, const char *folder);
/* A folder is locked and its socket answers nobody, or no more: puts what that means in place of d's words and gives the error. Nobody was
 * ever reached: another command holds the folder; else the node has ended, which `ended` says ({0}: the folder). Other errors are left. */
int cmd_unanswered(struct diag *d, int err, const char *folder, bool reached, enum mo_msg ended);

/* ---- ask.c ---- */
#define CMD_HEADER_MAX 128u
/* Tells the node's gate whom the answer is for: "Moru-Partner: NAME", or "" for the local machine, which needs no word at the folder's socket.
 * MO_EDENIED: neither, or a name that is no text for a header; nothing may be asked for it. */
MO_MUST_USE int cmd_header(const struct cmd *c, char out[CMD_HEADER_MAX], struct diag *d);
struct json_value;
struct folder;
struct store;
/* What the running node does when the folder is served, and this process else. The functions give the command's exit status, having told what came of it, or
 * an error with words in d. */
struct cmd_deed {
	int (*here)(void *arg, const struct folder *f, struct diag *d);
	/* The node's route with its query. Gives 0 or an error. */
	int (*path)(void *arg, struct buf *out, struct diag *d);
	/* The node did it: its answer as JSON, of at most answer_arena_bytes as values (0: 1 MiB); or as it stands. One of them is NULL. */
	int (*read)(void *arg, const struct json_value *answer, struct diag *d);
	int (*take)(void *arg, struct buf *answer, struct diag *d);
	size_t answer_arena_bytes;
	const char *method, *content_type; /* NULL: POST of JSON */
	struct span body;                  /* of JSON, empty: {} */
	int64_t timeout_ms;
	/* Exit status after an error in this process or of the connection to the node, and after a refusal of the node. */
	int failed, unanswered, refused;
};
/* Gives the exit status; errors were told on standard error, a refusal in the node's own words. */
int cmd_do(const struct cmd *c, const char *dir, const struct cmd_deed *deed, void *arg);
/* put(store, outcome, now) in a transaction of its own on the store of a folder that this process holds: how a deed ended, as the node keeps it. */
MO_MUST_USE int cmd_keep(const struct cmd *c, const struct folder *f, int (*put)(struct store *s, const void *outcome, int64_t now_ns, struct diag *d), const void *outcome,
	struct diag *d);
/* Counts of an answer. */
struct cmd_count_of {
	const char *name;
	uint64_t *to;
};
MO_MUST_USE int cmd_counts(const struct json_value *o, const struct cmd_count_of *of, size_t n, struct diag *d);
/* The `detail` of a finding or a problem document, in the user's language; may be empty. */
struct span cmd_detail(const struct cmd *c, const struct json_value *o);
int cmd_init(struct cmd *c), cmd_serve(struct cmd *c), cmd_import(struct cmd *c), cmd_check(struct cmd *c), cmd_sql(struct cmd *c);
int cmd_debug(struct cmd *c), cmd_demo(struct cmd *c), cmd_passwd(struct cmd *c), cmd_backup(struct cmd *c), cmd_restore(struct cmd *c);
int cmd_export(struct cmd *c);

#endif
