// The one Trusted Types policy of the page. The server allows the name `default` and no other.
//
// Mantine writes its CSS variables through a style element's innerHTML, which is plain text without markup: that is
// all that passes. Anything that could open a tag throws, and no string ever becomes a script or a script's address.

interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createHTML(input: string): string }): unknown
}

export function plainTextOnly(input: string): string {
  if (input.includes('<')) {
    throw new TypeError('markup is never made from text in this console')
  }
  return input
}

const factory = (globalThis as { trustedTypes?: TrustedTypesFactory }).trustedTypes
factory?.createPolicy('default', { createHTML: plainTextOnly })
