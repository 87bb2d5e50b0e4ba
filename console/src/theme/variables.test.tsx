// Mantine would write its variables into a style element from script. Our content policy lets no text become markup, so
// they are a file: made here, from the theme, and compared ever after. WATCHKEEP_REDRAW=1 npx vitest run src/theme

import { readFileSync, writeFileSync } from 'node:fs'
import { MantineProvider } from '@mantine/core'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, it } from 'vitest'
import { cssVariables, theme } from './theme'

const file = 'src/theme/variables.css'

it('the file of variables is what the theme says', () => {
  const html = renderToStaticMarkup(
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} withGlobalClasses={false}>
      {null}
    </MantineProvider>,
  )
  const rules = html
    .replace(/^<style[^>]*>/, '')
    .replace(/<\/style>.*$/s, '')
    .replaceAll(/\s*([{};])\s*/g, '$1')
    .replaceAll('{', ' {\n  ')
    .replaceAll(/;(?!\})/g, ';\n  ')
    .replaceAll(';}', ';\n}\n')
  const css = `/* Made by variables.test.tsx from theme.ts; not edited by hand. */\n${rules}`
  expect(css).toMatch(/--mantine-color-body:\s*var\(--bg\)/)
  const plain = (text: string) => text.replaceAll(/\s+/g, '')
  if (process.env.WATCHKEEP_REDRAW !== undefined) writeFileSync(file, css)
  expect(plain(readFileSync(file, 'utf8'))).toBe(plain(css))
})
