// The keep that keeps watch: battlements above an open eye.

export function Logo({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden>
      <path
        d="M4 4h6v4h3V4h6v4h3V4h6v14c0 5.200-4.600 8.600-12 11C8.600 26.600 4 23.200 4 18z"
        fill="var(--accent)"
      />
      <path
        d="M8.500 16.500C10.500 13.600 13 12.200 16 12.200s5.500 1.400 7.500 4.300c-2 2.900-4.500 4.300-7.500 4.300s-5.500-1.400-7.500-4.300z"
        fill="var(--on-accent)"
      />
      <circle cx="16" cy="16.500" r="2.700" fill="var(--accent)" />
    </svg>
  )
}

export function Wordmark() {
  return (
    <span style={{ display: 'inline-flex', alignItems: 'center', gap: 9, color: 'var(--ink)' }}>
      <Logo />
      <span style={{ fontSize: 15, fontWeight: 650, letterSpacing: '-0.02em' }}>Watchkeep</span>
    </span>
  )
}
