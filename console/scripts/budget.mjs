// Says what a first visit loads, compressed, and fails above the budget of 350 KiB of script.

import { readFile } from 'node:fs/promises'
import { brotliCompressSync, gzipSync } from 'node:zlib'

const BUDGET = 350 * 1024
const dist = new URL('../dist/', import.meta.url)
const html = await readFile(new URL('index.html', dist), 'utf8')

const seen = new Set()
const queue = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1])
let script = 0
let style = 0
while (queue.length > 0) {
  const name = queue.pop()
  if (seen.has(name)) continue
  seen.add(name)
  const bytes = await readFile(new URL(name, dist))
  const size = gzipSync(bytes, { level: 9 }).length
  console.log(
    `${(size / 1024).toFixed(1).padStart(8)} KiB gzip ${(brotliCompressSync(bytes).length / 1024).toFixed(1).padStart(8)} KiB br  ${name}`,
  )
  if (name.endsWith('.js')) {
    script += size
    // Static imports load at once; dynamic ones do not match this pattern.
    for (const match of bytes.toString('utf8').matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) {
      queue.push(`assets/${match[1]}`)
    }
  } else if (name.endsWith('.css')) {
    style += size
  }
}
console.log(
  `script ${(script / 1024).toFixed(1)} KiB of ${BUDGET / 1024}, style ${(style / 1024).toFixed(1)} KiB`,
)
if (script > BUDGET) {
  console.error('the first load is over its budget: load more on demand')
  process.exit(1)
}
