import { expect, test } from 'vitest'
import { certificatesOf, lines } from './saml'

test('certificates are told apart as PEM and as bare base64', () => {
  const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`
  expect(certificatesOf(`Bag\n${pem('AAAA')}\n${pem('BBBB')}\n`)).toEqual([pem('AAAA'), pem('BBBB')])
  expect(certificatesOf('AAAA\nBB==\n\n \nCCCC\n')).toEqual(['AAAA\nBB==', 'CCCC'])
  expect(certificatesOf(' \n')).toEqual([])
})

test('lists have one item a line', () => {
  expect(lines(' a \n\nb c\n')).toEqual(['a', 'b c'])
})
