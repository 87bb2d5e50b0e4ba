// Names for the shapes of the API. All of them come from the committed OpenAPI document; nothing is declared twice.

import type { components } from './generated/schema'

type Schemas = components['schemas']

export type CheckStatus = Schemas['CheckStatus']
export type Meta = Schemas['Meta']
export type TotpSetup = Schemas['TotpSetup']
export type FactorSetup = Schemas['FactorSetup']
export type Passkey = Schemas['Passkey']
export type PasskeyAsk = Schemas['PasskeyAsk']
export type PasskeyCreate = Schemas['PasskeyCreate']
export type PasskeyCreated = Schemas['PasskeyCreated']
export type PasskeyUsed = Schemas['PasskeyUsed']
export type ConditionsNow = Schemas['ConditionsNow']
export type ClientsNow = Schemas['ClientsNow']
export type Claimed = Schemas['Claimed']
export type PasswordVerdict = Schemas['PasswordVerdict']
export type SignInChallenge = Schemas['SignInChallenge']
export type Me = Schemas['Me']
export type Session = Schemas['Session']
export type ProblemCounts = Schemas['ProblemCounts']
export type HostCell = Schemas['HostCell']
export type SelfCheck = Schemas['SelfCheck']
export type Overview = Schemas['Overview']
export type CheckView = Schemas['CheckView']
export type CheckDetail = Schemas['CheckDetail']
export type CheckInput = Schemas['CheckInput']
export type PerfValue = Schemas['PerfValue']
export type HostView = Schemas['HostView']
export type HostInput = Schemas['HostInput']
export type AcknowledgeInput = Schemas['AcknowledgeInput']
export type DowntimeInput = Schemas['DowntimeInput']
export type Downtime = Schemas['Downtime']
export type BulkResult = Schemas['BulkResult']
export type Event = Schemas['Event']
export type InventorySection = Schemas['InventorySection']
export type InventoryItem = Schemas['InventoryItem']
export type Series = Schemas['Series']
export type RangeSeries = Schemas['RangeSeries']
export type Agent = Schemas['Agent']
export type Execution = Schemas['Execution']
export type TokenInput = Schemas['TokenInput']
export type TokenCreated = Schemas['TokenCreated']
export type Token = Schemas['Token']
export type AuditEntry = Schemas['AuditEntry']
export type AuditReport = Schemas['AuditReport']
export type Certificate = Schemas['Certificate']
export type System = Schemas['System']
export type Channel = Schemas['Channel']
export type ChannelInput = Schemas['ChannelInput']
export type Notification = Schemas['Notification']
export type Problem = Schemas['Problem']
export type User = Schemas['User']
export type Invitation = Schemas['Invitation']
export type OpenInvitation = Schemas['OpenInvitation']
export type ClaimFor = Schemas['ClaimFor']
export type Factors = Schemas['Factors']
export type RecoveryCodes = Schemas['RecoveryCodes']
export type SavedView = Schemas['SavedView']
export type SavedViewInput = Schemas['SavedViewInput']

export interface Page<T> {
  items: T[]
  total?: number | null
  next?: string | null
}

/** Actions that `Me.permissions` may name. */
export type Permission =
  | 'overview.read'
  | 'check.read'
  | 'check.write'
  | 'host.read'
  | 'host.write'
  | 'problem.acknowledge'
  | 'problem.downtime'
  | 'problem.recheck'
  | 'problem.comment'
  | 'agent.read'
  | 'agent.enrol'
  | 'agent.revoke'
  | 'agent.write'
  | 'condition.write'
  | 'audit.read'
  | 'system.read'
  | 'channel.read'
  | 'channel.write'
  | 'user.read'
  | 'user.write'
  | 'tenant.read'
  | 'tenant.write'
  | 'read_only.switch'
  | 'access.read'
  | 'access.write'
  | 'view.read'
  | 'view.keep'
  | 'view.share'
  | 'review.write'
  | 'provider.read'
  | 'provider.write'
  | 'review.read'
  | 'approval.policy'
  | 'approval.decide'
  | 'approval.read'
  | 'service.write'
  | 'token.revoke'
  | 'token.read'
  | 'self.token'
