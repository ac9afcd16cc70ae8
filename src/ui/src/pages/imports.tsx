export function ImportsPage(_: any) { return null as any; } export function ImportPage(_: any) { return null as any; }
