// Between the API's bytes as text and the browser's keys.

import type { PasskeyAsk, PasskeyCreate, PasskeyCreated, PasskeyUsed } from '../../api/types'
import { words } from './words'

const toBytes = (text: string): Uint8Array<ArrayBuffer> => {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (char) => char.charCodeAt(0))
}

export const toText = (bytes: ArrayBuffer): string =>
  btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')

/** Whether this browser has passkeys at all. */
export const hasPasskeys = (): boolean => typeof globalThis.PublicKeyCredential === 'function'

/** What went wrong, for people. Browsers say little, on purpose. */
function said(cause: unknown): Error {
  const name = cause instanceof DOMException ? cause.name : ''
  if (name === 'InvalidStateError') return new Error(words.passkey.already)
  if (name === 'NotAllowedError' || name === 'AbortError') return new Error(words.passkey.notDone)
  if (name === 'SecurityError') return new Error(words.passkey.wrongName)
  return cause instanceof Error ? cause : new Error(String(cause))
}

const refs = (list: { id: string; transports: string[] }[]): PublicKeyCredentialDescriptor[] =>
  list.map((each) => ({
    type: 'public-key',
    id: toBytes(each.id),
    transports: each.transports as AuthenticatorTransport[],
  }))

export async function makePasskey(asked: PasskeyCreate): Promise<PasskeyCreated> {
  try {
    const made = await navigator.credentials.create({
      publicKey: {
        challenge: toBytes(asked.challenge),
        rp: { id: asked.rp_id, name: 'Watchkeep' },
        user: {
          id: toBytes(asked.user_handle),
          name: asked.user_name,
          displayName: asked.user_display_name,
        },
        pubKeyCredParams: asked.algorithms.map((alg) => ({ type: 'public-key', alg })),
        excludeCredentials: refs(asked.exclude),
        authenticatorSelection: {
          residentKey: 'required',
          requireResidentKey: true,
          userVerification: 'required',
        },
        attestation: asked.attestation as AttestationConveyancePreference,
        timeout: asked.timeout_ms,
      },
    })
    const response = (made as PublicKeyCredential).response as AuthenticatorAttestationResponse
    return {
      client_data: toText(response.clientDataJSON),
      attestation: toText(response.attestationObject),
      transports: response.getTransports(),
    }
  } catch (cause) {
    throw said(cause)
  }
}

export async function givePasskey(asked: PasskeyAsk): Promise<PasskeyUsed> {
  try {
    const used = await navigator.credentials.get({
      publicKey: {
        challenge: toBytes(asked.challenge),
        rpId: asked.rp_id,
        allowCredentials: refs(asked.allow),
        userVerification: 'required',
        timeout: asked.timeout_ms,
      },
    })
    const response = (used as PublicKeyCredential).response as AuthenticatorAssertionResponse
    return {
      id: toText((used as PublicKeyCredential).rawId),
      client_data: toText(response.clientDataJSON),
      authenticator_data: toText(response.authenticatorData),
      signature: toText(response.signature),
      user_handle: response.userHandle === null ? null : toText(response.userHandle),
    }
  } catch (cause) {
    throw said(cause)
  }
}
