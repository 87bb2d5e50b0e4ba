// The one place where a text becomes an address that scripts are loaded from: browsers refuse all others here.

interface Policy {
  createScriptURL(url: string): unknown
}
interface Factory {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy
}

const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes

const policy = factory?.createPolicy('app', {
  createScriptURL: (url) => {
    const address = new URL(url, globalThis.location.href)
    if (address.origin !== globalThis.location.origin || !address.pathname.startsWith('/assets/')) {
      throw new TypeError('scripts come from this server alone')
    }
    return address.href
  },
})

/** An address of a script of ours, as browsers with trusted types want it. */
export const scriptUrl = (url: string): unknown => policy?.createScriptURL(url) ?? url
