// An act that another person must agree to was written down, and is not done. It comes as an error on purpose: no screen
// may say that something is done which is not.

import type { components } from './generated/schema'

export type Approval = components['schemas']['Approval']

export class AskedError extends Error {
  readonly approval: Approval

  constructor(approval: Approval, words: string) {
    super(words)
    this.name = 'AskedError'
    this.approval = approval
  }
}

export const isApproval = (value: unknown): value is Approval =>
  typeof value === 'object' && value !== null && 'payload_sha256' in value && 'requested_by' in value
