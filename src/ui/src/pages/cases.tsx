export function CasesPage(_: any) { return null as any; }
