/* The command table and its gate; the language, options, help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"

static int cmd_help(struct cmd *c);

#define OWNER PRINCIPAL_LOCAL
#define EVERYBODY (PRINCIPAL_PUBLIC | PRINCIPAL_LOCAL)
/* A row names its principals and its permission, or it does not compile, as a route's (api/routes.c). The permission is the one of the route that does
 * the same in a folder that is served; where there is none, of what the command comes to. */
#define ROW(name, args, run, principals, permission, ...) {name, args, run, principals, PERMISSION_##permission, __VA_ARGS__}

static const struct cmd_row commands[] = {
	ROW("init", "DIR [--name NAME] [--firm CODE] [--port N] [--zone ZONE]", cmd_init, OWNER, SETTINGS, "노드 폴더를 만듭니다", "make a node's folder",
		"DIR에 노드의 식별자, 서명키, 설정(moru.yaml), 저장소를 만듭니다. 이미 노드가 있으면 건드리지 않습니다.\n"
		"  --name NAME   화면 맨 위에 보이는 공장 이름\n  --firm CODE   우리 회사 코드\n  --port N      접속을 받을 포트 (기본 8470)\n"
		"  --zone ZONE   시간대의 IANA 이름 (기본: 이 PC의 시간대, 알 수 없으면 Asia/Seoul)\n"
		"  --demo --start TIME [--sync-delay MS]   시연용 폴더: 시계가 TIME에서 멈춰 시작합니다",
		"Makes the identity, signing key, settings (moru.yaml) and store in DIR. A folder that holds a node already is left alone.\n"
		"  --name NAME   name of the factory, shown on top of the page\n  --firm CODE   our firm code\n  --port N      port to listen on (8470)\n"
		"  --zone ZONE   IANA name of the time zone (the PC's; Asia/Seoul where it tells none)\n"
		"  --demo --start TIME [--sync-delay MS]   a demo folder: its clock stands at TIME"),
	ROW("serve", "DIR [--listen ADDR:PORT]", cmd_serve, OWNER, SETTINGS, "노드를 돌립니다", "run the node",
		"노드를 앞에서 돌립니다. 준비되면 표준 오류에 `moru: ready on http://ADDR:PORT`를 찍습니다(TLS가 켜져 있으면 https). SIGTERM이면 깨끗이 끝나고(0),\n"
		"SIGHUP이면 설정과 인증서를 다시 읽습니다. 포트 0은 빈 포트를 고릅니다. 이 PC 밖에서 오는 접속을 받으려면 TLS와 계정이 있어야 합니다.",
		"Runs the node in the foreground. When it accepts requests it prints `moru: ready on http://ADDR:PORT` on standard error (https with\n"
		"TLS). SIGTERM ends it cleanly with status 0, SIGHUP reads settings and certificate again. Port 0 picks a free one. Other addresses than loopback need TLS and an account."),
	ROW("import", "[--asset CODE] DIR FILE…", cmd_import, OWNER, IMPORT, "파일이나 폴더를 가져옵니다", "take in files or folders",
		"CSV 파일을 읽어 저장합니다. 설정이 필요 없습니다. 받은 행, 바뀐 행, 거부한 행(줄 번호와 이유)을 보여 줍니다.\n"
		"  --asset CODE   어느 자산의 파일인지. 이름이 같은 다음 파일도 그렇게 봅니다 (기본: 파일 이름에서 날짜를 뺀 것)\n"
		"끝 상태: 0 거부한 행 없음, 1 거부한 행 있음, 2 자료로 읽을 수 없는 파일 있음.",
		"Reads CSV files and stores them; nothing needs to be configured. Prints rows taken, replaced and refused (with line and reason).\n"
		"  --asset CODE   the asset that the files are of, remembered for later files of those names (the file's name without its date)\n"
		"Status: 0 none refused, 1 some rows refused, 2 a file could not be read as data at all."),
	ROW("check", "DIR", cmd_check, OWNER, SETTINGS, "모든 파일의 체크섬과 참조를 확인합니다", "verify every file's checksums and references",
		"모든 파일의 체크섬과 모든 참조를 확인하고, 따로 둔 파일을 알려 줍니다. 노드가 돌고 있어도 됩니다.\n상태: 0 온전함, 1 이상 있음, 2 확인하지 못함.",
		"Verifies every file's checksums and every reference and says what was set aside. The node may be running.\nStatus: 0 whole, 1 findings, 2 it could not be checked."),
	ROW("sql", "DIR \"SELECT …\" [--format table|csv|json]", cmd_sql, OWNER, SQL, "읽기 전용 SQL", "read-only SQL",
		"로트, 기록, 작업 실적, 이상 건, 시계열을 읽기 전용 SQL로 봅니다. 노드가 돌고 있어도 됩니다 (그때는 한 번에 한 문장, 30초까지).\n표: asset item lot lot_link operation event characteristic machine_state case_ signal series value chart\n열의 뜻과 예: docs/sql.md",
		"Read-only SQL over lots, events, operations, cases and series. The node may be running (then one statement at a time, for at most 30 s).\nTables: asset item lot lot_link operation event characteristic machine_state case_ signal series value chart\nWhat each column is, and examples: docs/sql.md"),
	ROW("passwd", "DIR NAME [--role ROLE]", cmd_passwd, OWNER, ACCOUNTS, "계정을 만들거나 비밀번호를 바꿉니다", "make an account or change its password",
		"계정 NAME을 만들거나 비밀번호를 바꿉니다. 비밀번호는 화면에 보이지 않게 두 번 묻고, 터미널이 아니면 표준 입력에서 한 줄을 읽습니다.\n"
		"노드가 돌고 있어도 됩니다. 바꾸면 그 계정의 로그인이 모두 끝납니다. 첫 계정을 만들면 그때부터 로그인해야 쓸 수 있습니다.\n"
		"  --role ROLE   owner(대표) production(생산관리자) quality(품질담당) operator(작업자) read_only(조회 전용) vendor(공급기업)\n"
		"                (첫 계정은 owner, 그다음부터는 read_only)\n상태: 0 되었음, 1 되지 않음, 2 잘못 부름.",
		"Makes the account NAME or changes its password, which is asked twice without showing it, or read as one line from standard input when\n"
		"that is no terminal. The node may be running. A change ends all logins of the account. Once there is a first account, people log in.\n"
		"  --role ROLE   owner, production, quality, operator, read_only, vendor (the first account: owner; others: read_only)\n"
		"Status: 0 done, 1 not done, 2 wrong usage."),
	ROW("backup", "DIR TARGET [--keep N] [--with-keys]", cmd_backup, OWNER, BACKUP, "백업합니다", "back up a node",
		"노드를 TARGET 폴더(다른 디스크나 공유 폴더)에 백업하고, 쓴 것을 다시 읽어 확인합니다. 노드가 돌고 있어도 됩니다.\n바뀐 것만 씁니다. TARGET은 처음 한 번 이 명령이 만듭니다 (빈 폴더이거나 없는 폴더).\n"
		"  --keep N       새 백업이 끝나면 최근 N개만 남깁니다 (기본: 모두)\n  --with-keys    서명키 등 비밀도 담습니다. 없으면 복원할 때 새 서명키를 만듭니다\n"
		"  moru backup --verify TARGET [--snapshot ID]   모든 조각을 다시 읽어 확인합니다 (0: 온전함, 1: 이상 있음)\n  moru backup --list TARGET                     백업 목록\n"
		"정해진 시간마다 하려면 moru.yaml의 backup.target, backup.every, backup.keep을, 정해진 시간마다 복원해 보려면 backup.drill을 씁니다.",
		"Backs the node up to the folder TARGET (another disk, a share) and reads back what was written. The node may be running. Only what is\n"
		"new is written. TARGET is made once by this command: an empty folder, or one that is not there yet.\n"
		"  --keep N       leaves the N newest backups once this one is whole (all)\n  --with-keys    the signing key and other secrets too; without it a restore makes a new key\n"
		"  moru backup --verify TARGET [--snapshot ID]   reads every piece again (0: whole, 1: findings)\n  moru backup --list TARGET                     what is there\n"
		"By itself every so many hours: backup.target, backup.every, backup.keep in moru.yaml; backup.drill tries a restore every so many."),
	ROW("restore", "SOURCE DIR --as move|copy [--snapshot ID]", cmd_restore, OWNER, BACKUP, "백업에서 되살립니다", "make a folder from a backup",
		"백업 폴더 SOURCE의 가장 새 백업(또는 ID)으로 노드 폴더 DIR을 만듭니다. DIR은 없거나 비어 있어야 합니다. 중간에 끊겨도 같은 명령을 다시 하면 됩니다.\n"
		"  --as move      같은 노드로 옮깁니다: 식별자가 그대로입니다. 원래 노드는 더 돌리지 마십시오. 백업에 키가 없으면 새 서명키를 만듭니다\n"
		"  --as copy      새 노드로 만듭니다: 식별자와 서명키가 새것입니다\n  --snapshot ID  `moru backup --list SOURCE`가 보여 주는 것 가운데 하나",
		"Makes the node's folder DIR from the newest backup in SOURCE (or ID). DIR must be empty or not there. Broken off, it is simply run again.\n"
		"  --as move      the same node: its ids stay. Do not run the old one any more. Where the backup holds no key, a new signing key is made\n"
		"  --as copy      another node: new id, new signing key\n  --snapshot ID  one of those that `moru backup --list SOURCE` shows"),
	ROW("export", "DIR OUT.zip [--from T] [--to T] [--asset CODE]…", cmd_export, OWNER, BACKUP, "자료를 열린 형식으로 내보냅니다", "take the data out in open formats",
		"값, LOT, 관계, 작업, 기록, 특성, 이상 건, 설정, 첨부를 CSV와 NDJSON으로 압축 파일 OUT.zip에 담고 파일마다 SHA-256을 적습니다.\n"
		"비밀번호와 키는 담지 않습니다. 노드가 돌고 있어도 됩니다. 같은 자료와 기간이면 같은 파일이 됩니다. 감사 기록이 남습니다.\n"
		"  --from T      이때부터 (RFC 3339, 예: 2026-11-01T00:00:00+09:00)\n  --to T        이때 앞까지\n"
		"  --asset CODE  이 설비와 그 아래만. 여러 번 쓸 수 있습니다\n상태: 0 되었음, 1 손상되어 빠진 곳 있음, 2 되지 않음.",
		"Writes values, lots, links, operations, events, characteristics, cases, settings and blobs as CSV and NDJSON into the archive OUT.zip,\n"
		"with the SHA-256 of each file; no passwords, no keys. The node may be running. The same data and range give the same file. It is audited.\n"
		"  --from T      from then on (RFC 3339: 2026-11-01T00:00:00+09:00)\n  --to T        up to then, not included\n"
		"  --asset CODE  this asset and what is below it alone; may be given several times\nStatus: 0 done, 1 damaged parts were left out, 2 not done."),
	ROW("debug", "FILE", cmd_debug, OWNER, BACKUP, "모루의 파일 하나를 말로 보여 줍니다", "show one of our own files in words",
		"노드 폴더의 파일(시계열 로그, 세그먼트, 목록, 저장소, 첨부, 설정, 식별자)을 사람이 읽을 수 있게 보여 줍니다.",
		"Shows a file of a node's folder (series log, segment, catalogue, manifest, store, blob, settings, identity) in words."),
	ROW("demo", "[--check] [--seed N] [--dir DIR] [--keep]", cmd_demo, OWNER, SETTINGS, "세 회사 시연을 돌립니다", "run the demo of three firms",
		"가상 설비가 붙은 공장 노드 세 개를 띄우고 주소를 알려 줍니다. Ctrl-C로 끝냅니다.\n"
		"  --check          한 주를 돌린 뒤 노드가 찾은 것을 정답과 비교합니다 (0: 놓친 것도 잘못 알린 것도 없음)\n  --seed N         난수 씨앗\n"
		"  --dir DIR        폴더를 둘 곳 (기본: 임시 폴더)\n  --keep           끝난 뒤 폴더를 남깁니다\n  --without E, --shift E HOURS, --halve E, --sync-delay MS   시험용 변형",
		"Starts three factory nodes with simulated machines and prints their addresses. Ctrl-C ends it.\n"
		"  --check          steps a week, then compares what the nodes found with the truth (0: nothing missed, nothing false)\n  --seed N         seed of the random numbers\n"
		"  --dir DIR        where the folders go (a temporary one)\n  --keep           keeps the folders afterwards\n  --without E, --shift E HOURS, --halve E, --sync-delay MS   variations for tests"),
	ROW("help", "[COMMAND]", cmd_help, EVERYBODY, OPEN, "설명", "explain",
		"명령들을 한 줄씩, 또는 명령 하나를 자세히 설명합니다.", "Explains all commands in a line each, or one of them at length."),
};
#define COMMANDS (sizeof commands / sizeof *commands)

const char *cmd_text(const struct cmd *c, const char *ko, const char *en) { return c->lang == WORDS_KO ? ko : en; }

/* Whether the words name the file, or there is none. */
static bool file_named(const char *file, struct span words)
{
	size_t n = strlen(file);
	return n == 0 || (words.n && memmem(words.p, words.n, file, n));
}

void cmd_words(struct buf *out, const struct cmd *c, const struct diag *d)
{
	size_t at = out->n;
	words_render(out, c->lang, d);
	if (file_named(d->file, span_of(out->p + at, out->n - at)))
		return;
	struct buf b;
	buf_init(&b, 0);
	buf_printf(&b, "%s: ", d->file);
	buf_add(&b, span_of(out->p + at, out->n - at));
	out->n = at;
	buf_add(out, buf_span(&b));
	buf_free(&b);
}

int cmd_fail(const struct cmd *c, const struct diag *d, int status)
{
	struct buf b;
	buf_init(&b, 0);
	cmd_words(&b, c, d);
	fprintf(stderr, "moru: %.*s\n", (int)b.n, (const char *)b.p);
	buf_free(&b);
	return status;
}

int cmd_fail_words(const char *file, struct span words, int status)
{
	bool named = file_named(file, words);
	fprintf(stderr, "moru: %s%s%.*s\n", named ? "" : file, named ? "" : ": ", SPAN_FMT(words));
	return status;
}

const struct cmd_row *cmd_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* The gate of commands: nothing of a command happens before the rule engine let it. */
static int run(const struct cmd_row *k, struct cmd *c)
{
	const struct resource what = {.principals = k->principals, .permission = k->permission, .operation = k->name};
	if (rules_decide(&c->who, &what).decision == DECISION_ALLOW)
		return k->run(c);
	struct diag *d = calloc(1, sizeof *d);
	if (!d)
		return 2;
	diag_set(d, MO_EDENIED, MSG_CMD_NOT_ADMITTED);
	diag_text(d, 0, span_str(k->name));
	int status = cmd_fail(c, d, 2);
	free(d);
	return status;
}

int cmd_usage(const struct cmd *c, const char *name)
{
	const struct cmd_row *k = cmd_find(name);
	fprintf(stderr, "%s moru %s %s\n", cmd_text(c, "쓰는 법:", "Usage:"), name, k ? k->args : "");
	return 2;
}

int cmd_options(struct cmd *c, struct cmd_option *o, size_t n)
{
	int kept = 0;
	for (int i = 0; i < c->argc; i++) {
		char *a = c->argv[i];
		if (strncmp(a, "--", 2) != 0) {
			c->argv[kept++] = a;
			continue;
		}
		size_t k = 0;
		while (k < n && strcmp(o[k].name, a) != 0)
			k++;
		while (k + 1 < n && o[k].got && strcmp(o[k + 1].name, a) == 0)
			k++; /* one that may be given several times */
		if (k == n || (o[k].value && i + 1 >= c->argc)) {
			fprintf(stderr, "moru: %s %s\n", k == n ? cmd_text(c, "모르는 선택 항목:", "unknown option:") : cmd_text(c, "값이 없습니다:", "no value:"), a);
			return MO_EINVAL;
		}
		o[k].got = o[k].value ? c->argv[++i] : "";
	}
	c->argc = kept;
	return 0;
}

static int cmd_help(struct cmd *c)
{
	const struct cmd_row *k = c->argc ? cmd_find(c->argv[0]) : NULL;
	if (c->argc && !k) {
		fprintf(stderr, "moru: %s %s\n", cmd_text(c, "모르는 명령:", "unknown command:"), c->argv[0]);
		return 2;
	}
	if (k) {
		printf("moru %s %s\n\n%s\n", k->name, k->args, cmd_text(c, k->more_ko, k->more_en));
		return 0;
	}
	printf("%s\n\n", cmd_text(c, "모루 " MORU_VERSION " - 공장의 데이터 노드", "Moru " MORU_VERSION " - a factory's own data node"));
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  moru %-8s %-48s %s\n", commands[i].name, commands[i].args, cmd_text(c, commands[i].ko, commands[i].en));
	printf("\n%s\n", cmd_text(c, "모든 명령에 --lang ko|en 을 쓸 수 있습니다.", "Every command takes --lang ko|en."));
	return 0;
}

/* False: said that there is no such language. --lang wins over LC_ALL, LC_MESSAGES, LANG; Korean where none says. Takes the option out of the arguments. */
static bool language(struct cmd *c)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	const char *l = NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names && !(l && *l); i++)
		l = getenv(names[i]);
	c->lang = l && *l && strcmp(l, "C") != 0 && strncmp(l, "C.", 2) != 0 && strcmp(l, "POSIX") != 0 ? (strncmp(l, "ko", 2) == 0 ? WORDS_KO : WORDS_EN) : WORDS_EN;
	int kept = 0;
	for (int i = 0; i < c->argc; i++) {
		if (strcmp(c->argv[i], "--lang") != 0) {
			c->argv[kept++] = c->argv[i];
			continue;
		}
		const char *asked = i + 1 < c->argc ? c->argv[++i] : "";
		if (strcmp(asked, "ko") != 0 && strcmp(asked, "en") != 0) {
			cmd_bad(c, "--lang", asked, "ko, en"); /* in the language of the environment */
			return false;
		}
		c->lang = words_lang(asked);
	}
	c->argc = kept;
	return true;
}

int cmd_main(int argc, char **argv, const struct principal *who)
{
	struct cmd c = {.who = *who, .argc = argc - 1, .argv = argv + 1};
	if (!language(&c))
		return 2;
	if (c.argc && (strcmp(c.argv[0], "--version") == 0 || strcmp(c.argv[0], "version") == 0)) {
		printf("moru %s\n", MORU_VERSION);
		return 0;
	}
	bool bare = c.argc == 0, asked = !bare && (strcmp(c.argv[0], "--help") == 0 || strcmp(c.argv[0], "-h") == 0);
	const struct cmd_row *k = cmd_find(bare || asked ? "help" : c.argv[0]);
	if (!k) {
		fprintf(stderr, "moru: %s %s (moru help)\n", cmd_text(&c, "모르는 명령:", "unknown command:"), c.argv[0]);
		return 2;
	}
	for (int i = 1; i < c.argc; i++)
		if (strcmp(c.argv[i], "--help") == 0 || (i == 1 && strcmp(c.argv[i], "-h") == 0)) {
			c.argc = 1;
			return run(cmd_find("help"), &c); /* explains argv[0] */
		}
	if (!bare) {
		c.argc--;
		c.argv++;
	}
	if (vfs_real(&c.vfs) != 0)
		return 1;
	int status = run(k, &c);
	vfs_free(c.vfs);
	return bare ? 2 : status;
}
