export function SettingsPage(_: any) { return null as any; }
