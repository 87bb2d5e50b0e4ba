// SHA-256 of short texts, in a loop: the browser's own is asynchronous, which costs more than the hash itself.
// FIPS 180-4. Used for the sign-in puzzle alone, where nothing is secret.

const K = new Uint32Array(64)
const START = new Uint32Array(8)

// The first 32 bits of the fractional parts of the cube roots (square roots) of the first 64 (8) primes.
{
  const isPrime = (n: number) => {
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) return false
    return true
  }
  const bits = (x: number) => ((x - Math.floor(x)) * 0x100000000) >>> 0
  let found = 0
  for (let n = 2; found < 64; n += 1) {
    if (!isPrime(n)) continue
    if (found < 8) START[found] = bits(Math.sqrt(n))
    K[found] = bits(Math.cbrt(n))
    found += 1
  }
}

const W = new Uint32Array(64)

/** The first 32 bits of the digest of a text in ASCII. */
export function sha256Head(text: string): number {
  const length = text.length
  const blocks = ((length + 8) >> 6) + 1
  const H = START.slice()
  for (let block = 0; block < blocks; block += 1) {
    for (let i = 0; i < 16; i += 1) {
      let word = 0
      for (let j = 0; j < 4; j += 1) {
        const at = block * 64 + i * 4 + j
        const byte = at < length ? text.charCodeAt(at) : at === length ? 0x80 : 0
        word = (word << 8) | byte
      }
      W[i] = word
    }
    if (block === blocks - 1) W[15] = length * 8
    for (let i = 16; i < 64; i += 1) {
      const a = W[i - 15] as number
      const b = W[i - 2] as number
      const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3)
      const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10)
      W[i] = ((W[i - 16] as number) + s0 + (W[i - 7] as number) + s1) | 0
    }
    let [a, b, c, d, e, f, g, h] = H as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    for (let i = 0; i < 64; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const ch = (e & f) ^ (~e & g)
      const t1 = (h + s1 + ch + (K[i] as number) + (W[i] as number)) | 0
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const maj = (a & b) ^ (a & c) ^ (b & c)
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + ((s0 + maj) | 0)) | 0
    }
    const step = [a, b, c, d, e, f, g, h]
    for (let i = 0; i < 8; i += 1) H[i] = ((H[i] as number) + (step[i] as number)) | 0
  }
  return (H[0] as number) >>> 0
}

/** The number that solves a puzzle: the digest of `puzzle.number` begins with so many zero bits. At most 32. */
export function solve(puzzle: string, bits: number): number {
  const beyond = bits >= 32 ? 0 : 2 ** (32 - bits) - 1
  for (let n = 0; ; n += 1) {
    if (sha256Head(`${puzzle}.${n}`) <= beyond) return n
  }
}
