/* Before the first paint: theme and language as last chosen here, so that nothing flashes. */
(function () {
	var root = document.documentElement;
	try {
		var theme = localStorage.getItem("moru.theme"), lang = localStorage.getItem("moru.lang");
		if (theme === "light" || theme === "dark") root.dataset.theme = theme;
		if (lang === "ko" || lang === "en") root.lang = lang;
	} catch (e) { /* storage may be closed: the defaults hold */ }
})();
