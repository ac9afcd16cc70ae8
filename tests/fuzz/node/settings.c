/* Any bytes as moru.yaml: settings that are written and read back the same; or a refusal that names the file. */
#include <stdlib.h>
#include <string.h>

#include "node/settings.h"
#include "os/memvfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct vfs *v = NULL;
	struct settings s, again;
	struct diag d = {0};
	struct buf out;
	buf_init(&out, 0);
	memset(&s, 0, sizeof s);
	memset(&again, 0, sizeof again);
	if (n == 0)
		return 0;
	bool demo = p[0] & 1;
	if (memvfs_new(&v, 1) != 0 || vfs_replace(v, "moru.yaml", span_of(p + 1, n - 1), false, NULL) != 0)
		abort();
	int err = settings_read(&s, v, "moru.yaml", demo, &d);
	if (err == 0) {
		settings_write(&out, &s, "ko", demo);
		if (out.err || vfs_replace(v, "moru.yaml", buf_span(&out), false, NULL) != 0 || settings_read(&again, v, "moru.yaml", demo, &d) != 0)
			abort();
		size_t n_keys;
		const struct setting_key *k = settings_keys(&n_keys);
		for (size_t i = 0; i < n_keys; i++)
			if (memcmp((uint8_t *)&s + k[i].offset, (uint8_t *)&again + k[i].offset, k[i].size) != 0)
				abort();
	} else if (d.msg == MSG_NONE || !d.file[0]) {
		abort();
	}
	buf_free(&out);
	vfs_free(v);
	return 0;
}
