import { defineConfig } from "vite";

export default defineConfig({
	base: "/",
	esbuild: { jsx: "automatic", jsxImportSource: "preact" },
	build: { outDir: process.env.UI_OUT || "dist", emptyOutDir: true, target: "es2021", assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: true },
	worker: { format: "es" },
	server: { host: "127.0.0.1", proxy: { "/api": process.env.NODE_URL || "http://127.0.0.1:8470" } },
});
