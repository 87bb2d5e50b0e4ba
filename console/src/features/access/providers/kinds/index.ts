// The kinds of providers, each with its form.

import type { KindForm } from './form'
import { json } from './json'
import { ldap } from './ldap'
import { oidc } from './oidc'
import { radius } from './radius'
import { saml } from './saml'

export const kinds: Record<string, KindForm> = { oidc, saml, ldap, radius }

export const formOf = (kind: string): KindForm => kinds[kind] ?? json
