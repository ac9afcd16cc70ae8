export function DevicePage(_: any) { return null as any; }
