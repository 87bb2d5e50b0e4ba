/** Where to go after signing in: a path of this console, never another site. */
export function safeTarget(raw: string | undefined): string {
  if (raw === undefined || !raw.startsWith('/') || raw.startsWith('//') || raw.includes('\\')) return '/'
  try {
    const url = new URL(raw, 'https://here.invalid')
    if (url.origin !== 'https://here.invalid' || /^\/(signin|claim|api)(\/|$)/.test(url.pathname)) return '/'
    return url.pathname + url.search + url.hash
  } catch {
    return '/'
  }
}
