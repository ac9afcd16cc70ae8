/* moru restore: a node's folder from a backup. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "node/restore.h"
#include "os/clock.h"

int cmd_restore(struct cmd *c)
{
	struct cmd_option o[] = {{"--as", true, NULL}, {"--snapshot", true, NULL}};
	struct restore_report r;
	char id[UUID_TEXT];
	if (cmd_options(c, o, sizeof o / sizeof *o) != 0 || !cmd_count(c, "restore", 2, 2))
		return 2;
	bool copy = o[0].got && strcmp(o[0].got, "copy") == 0;
	if (!copy && !(o[0].got && strcmp(o[0].got, "move") == 0))
		return cmd_bad(c, "--as", o[0].got ? o[0].got : "", "move, copy");
	struct restore_options q = {.vfs = c->vfs, .source = c->argv[0], .dir = c->argv[1], .snapshot = o[1].got, .as = copy ? RESTORE_COPY : RESTORE_MOVE, .now_ns = wall_now()};
	struct diag *d = calloc(1, sizeof *d);
	if (!d)
		return 2;
	if (restore_run(&q, &r, d) != 0) {
		int status = cmd_fail(c, d, 2);
		free(d);
		return status;
	}
	uuid_format(id, &r.node);
	printf(cmd_text(c, "백업 %s에서 %s 폴더를 만들었습니다: 파일 %llu개, %llu바이트\n", "Restored %s into %s: %llu files, %llu bytes\n"), r.id, q.dir, (unsigned long long)r.files,
		(unsigned long long)r.bytes);
	if (copy)
		printf(cmd_text(c, "새 노드입니다: 식별자 %s, 서명키도 새것입니다.\n", "It is a node of its own: id %s, with a new signing key.\n"), id);
	else
		printf(cmd_text(c, "같은 노드입니다: 식별자 %s. 원래 폴더로는 더 돌리지 마십시오.\n", "It is the same node: id %s. Do not run the old folder any more.\n"), id);
	if (!copy && r.new_key)
		printf("%s\n", cmd_text(c, "백업에 서명키가 없어 새로 만들었습니다. 식별자는 그대로이고, 예전 서명은 예전 공개키로만 확인됩니다.",
			"The backup holds no signing key: a new one was made. Ids stay; what was signed before is proved by the old public key only."));
	free(d);
	return 0;
}
