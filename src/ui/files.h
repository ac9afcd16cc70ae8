/* The page's files, built by Vite and linked in, gzip-compressed where that helps. */
#ifndef MO_UI_FILES_H
#define MO_UI_FILES_H

#include "base/span.h"

struct ui_file {
	const char *path;  /* "/index.html", "/assets/index-abc.js" */
	const char *type;
	const char *etag;  /* quoted */
	bool gzip, immutable;
	struct span bytes;
};
/* NULL past the end; none at all in a build without the page. */
const struct ui_file *ui_file_at(size_t index);

#endif
