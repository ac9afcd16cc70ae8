export function CasePage(_: any) { return null as any; }
