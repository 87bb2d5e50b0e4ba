// States must be told apart without colour: here all of them are drawn without it.

import { renderToStaticMarkup } from 'react-dom/server'
import { expect, it } from 'vitest'
import { Glyph } from './Glyph'
import { tones } from './tone'

it('every tone has an outline of its own, and no colour in it', () => {
  const outlines = tones.map((tone) =>
    [...renderToStaticMarkup(<Glyph tone={tone} />).matchAll(/<(circle|path|rect)\s[^>]*>/g)]
      .map((match) => match[0].replace(/ class="[^"]*"/, ''))
      .join(''),
  )
  expect(new Set(outlines).size).toBe(tones.length)
  for (const outline of outlines) expect(outline).not.toMatch(/#|rgb|var\(/)
  // The ground of each is another kind of form, not the same one with another sign in it.
  const grounds = outlines.map((outline) => outline.split('>')[0])
  expect(new Set(grounds).size).toBe(tones.length)
})
