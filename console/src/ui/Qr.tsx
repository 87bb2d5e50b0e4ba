// A QR code as one SVG path, drawn from the bits: no markup is made from text.

import { encode } from 'uqr'

export function Qr({ text, label, size = 184 }: { text: string; label: string; size?: number }) {
  const code = encode(text, { ecc: 'M', border: 3 })
  const path = code.data
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('')
  return (
    // Dark on light in both themes: readers expect it.
    <svg width={size} height={size} viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label={label}>
      <rect width={code.size} height={code.size} rx="2" fill="#ffffff" />
      <path d={path} fill="#000000" shapeRendering="crispEdges" />
    </svg>
  )
}
