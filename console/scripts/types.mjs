// Draws src/api/generated/schema.ts from openapi/watchkeep.json. With --check: fails when the two have drifted apart.

import { readFile, writeFile } from 'node:fs/promises'
import openapiTS, { astToString } from 'openapi-typescript'

const source = new URL('../../openapi/watchkeep.json', import.meta.url)
const target = new URL('../src/api/generated/schema.ts', import.meta.url)
const header = '// Drawn from openapi/watchkeep.json by `npm run types`. Never edited by hand.\n\n'

let text
try {
  text = header + astToString(await openapiTS(JSON.parse(await readFile(source, 'utf8'))))
} catch (cause) {
  console.error(`cannot draw the types from ${source.pathname}: ${cause.message}`)
  process.exit(1)
}

if (process.argv.includes('--check')) {
  const present = await readFile(target, 'utf8').catch(() => '')
  if (present !== text) {
    console.error(
      'src/api/generated/schema.ts differs from openapi/watchkeep.json: run `npm run types` and commit it.',
    )
    process.exit(1)
  }
  console.log('types agree with openapi/watchkeep.json')
} else {
  await writeFile(target, text)
}
