// Reads the one token file and checks what people must be able to read and tell apart.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const css = readFileSync('src/theme/tokens.css', 'utf8')
const block = (selector: string): Record<string, string> => {
  const start = css.indexOf(`${selector} {`)
  const text = css.slice(start, css.indexOf('\n}', start))
  return Object.fromEntries([...text.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1], m[2]]))
}
const light = block(':root')
const dark = { ...light, ...block(':root[data-mantine-color-scheme="dark"]') }
// As the browser adds them up: later rules of the file win where both match.
const more = block(':root[data-contrast="more"]')
const themes: Record<string, Record<string, string>> = {
  light,
  dark,
  'high-contrast': { ...light, ...more },
  'dark high-contrast': {
    ...dark,
    ...more,
    ...block(':root[data-contrast="more"][data-mantine-color-scheme="dark"]'),
  },
}

const rgb = (hex: string) => [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255)
const linear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
const luminance = (hex: string) => {
  const [r = 0, g = 0, b = 0] = rgb(hex).map(linear)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
const contrast = (a: string, b: string) => {
  const [x = 0, y = 0] = [luminance(a), luminance(b)].sort((m, n) => n - m)
  return (x + 0.05) / (y + 0.05)
}

// Machado, Oliveira and Fernandes 2009, severity 1, on linear light.
const simulations = {
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
} as const
const seen = (hex: string, matrix: readonly (readonly number[])[]) => {
  const light = rgb(hex).map(linear)
  return matrix.map((row) => row.reduce((sum, m, i) => sum + m * (light[i] ?? 0), 0))
}
const apart = (a: number[], b: number[]) => Math.hypot(...a.map((v, i) => v - (b[i] ?? 0)))

it('each high-contrast theme says every colour of a state anew', () => {
  for (const selector of [
    ':root[data-contrast="more"]',
    ':root[data-contrast="more"][data-mantine-color-scheme="dark"]',
  ]) {
    const own = block(selector)
    for (const state of ['ok', 'warning', 'critical', 'unknown', 'pending']) {
      expect(own[`${state}-ink`], selector).toBeDefined()
      expect(own[`${state}-fill`], selector).toBeDefined()
    }
  }
})

describe.each(Object.entries(themes))('the %s theme', (name, tokens) => {
  // WCAG 2.2: 4.5 is AA; whoever asks for more contrast gets AAA.
  const words = name.endsWith('high-contrast') ? 7 : 4.5
  const shapes = name.endsWith('high-contrast') ? 4.5 : 3
  const token = (name: string): string => {
    const value = tokens[name]
    if (value === undefined) throw new Error(`no token ${name}`)
    return value
  }
  const states = ['ok', 'warning', 'critical', 'unknown', 'pending']
  const grounds = ['bg', 'surface', 'surface-2', 'raised', 'hover', 'selected']

  it.each(grounds.flatMap((ground) => ['ink', 'ink-2', 'ink-3'].map((ink) => [ink, ground])))(
    '%s is readable on %s',
    (ink, ground) => {
      expect(contrast(token(ink), token(ground))).toBeGreaterThanOrEqual(words)
    },
  )
  it.each(
    states.flatMap((state) => [
      [state, 'surface'],
      [state, `${state}-soft`],
      [state, 'hover'],
      [state, 'selected'],
    ]),
  )('the word of %s is readable on %s', (state, ground) => {
    expect(contrast(token(`${state}-ink`), token(ground))).toBeGreaterThanOrEqual(words)
  })
  it.each(states)('the shape of %s stands out, and so does the sign in it', (state) => {
    expect(contrast(token(`${state}-fill`), token('surface'))).toBeGreaterThanOrEqual(shapes)
    expect(contrast(token(`${state}-fill`), token('on-fill'))).toBeGreaterThanOrEqual(shapes)
  })
  it('the accent is readable as a ground and as ink', () => {
    for (const ground of ['accent', 'accent-hover']) {
      expect(contrast(token(ground), token('on-accent'))).toBeGreaterThanOrEqual(4.5)
    }
    for (const ground of [...grounds, 'accent-soft']) {
      expect(contrast(token('accent-ink'), token(ground))).toBeGreaterThanOrEqual(4.5)
    }
  })
  it('controls have a visible edge', () => {
    expect(contrast(token('control-line'), token('surface'))).toBeGreaterThanOrEqual(shapes)
  })
  it.each(Object.entries(simulations))('problem states stay apart under %s', (_name, matrix) => {
    const fills = states.map((state) => seen(token(`${state}-fill`), matrix))
    fills.forEach((a, i) => {
      for (const b of fills.slice(i + 1)) expect(apart(a, b)).toBeGreaterThan(0.04)
    })
  })
})
