// A SAML 2.0 provider.

import { Checkbox, NumberInput, Select, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import styles from '../Providers.module.css'
import { type Config, flag, type KindForm, type KindFormProps, list, text } from './form'
import { samlWords as w } from './samlWords'

const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/** One certificate each: PEM blocks, or base64 with empty lines between. */
export const certificatesOf = (raw: string): string[] =>
  (raw.match(block) ?? raw.split(/\n\s*\n/)).map((each) => each.trim()).filter((each) => each !== '')

export const lines = (raw: string): string[] =>
  raw
    .split('\n')
    .map((each) => each.trim())
    .filter((each) => each !== '')

const attributesOf = (config: Config): Config =>
  typeof config.attributes === 'object' && config.attributes !== null ? (config.attributes as Config) : {}

/** The first thing that is wrong with one of a list's items. */
const inList = (error: KindFormProps['error'], name: string, count: number): string | undefined => {
  for (let i = 0; i < count; i++) {
    const found = error(`${name}/${i}`)
    if (found !== undefined) return found
  }
  return error(name)
}

/** A list as people type it: kept as text while they do. */
function Lines({
  label,
  help,
  value,
  read,
  apart = '\n',
  onChange,
  error,
  rows = 1,
}: {
  label: string
  help?: string
  value: string[]
  read: (raw: string) => string[]
  apart?: string
  onChange: (value: string[]) => void
  error: string | undefined
  rows?: number
}) {
  const [raw, setRaw] = useState(() => value.join(apart))
  return (
    <Textarea
      label={label}
      description={help}
      value={raw}
      onChange={(event) => {
        setRaw(event.currentTarget.value)
        onChange(read(event.currentTarget.value))
      }}
      error={error}
      autosize
      minRows={rows}
      maxRows={8}
      spellCheck={false}
    />
  )
}

function Form({ config, onChange, error }: KindFormProps) {
  const set = (change: Config) => onChange({ ...config, ...change })
  const attributes = attributesOf(config)
  const attribute = (name: string, label: string) => (
    <Lines
      label={label}
      value={list(attributes, name)}
      read={lines}
      onChange={(value) => {
        const { [name]: _, ...rest } = attributes
        set({ attributes: value.length === 0 ? rest : { ...rest, [name]: value } })
      }}
      error={inList(error, `attributes/${name}`, list(attributes, name).length)}
    />
  )
  const plain = (name: string, label: string, help?: string) => (
    <TextInput
      label={label}
      description={help}
      value={text(config, name)}
      onChange={(event) => set({ [name]: event.currentTarget.value.trim() })}
      error={error(name)}
      spellCheck={false}
    />
  )
  const long = (name: string, label: string, help: string) => (
    <Textarea
      label={label}
      description={help}
      value={text(config, name)}
      onChange={(event) => set({ [name]: event.currentTarget.value })}
      error={error(name)}
      autosize
      minRows={2}
      maxRows={8}
      spellCheck={false}
    />
  )
  const tick = (name: string, otherwise: boolean, label: string, help?: string) => (
    <Checkbox
      label={label}
      description={help}
      checked={flag(config, name, otherwise)}
      onChange={(event) => set({ [name]: event.currentTarget.checked })}
      error={error(name)}
    />
  )
  return (
    <>
      {long('metadata', w.metadata, w.metadataHelp)}
      {plain('entity_id', w.entityId, w.entityIdHelp)}
      {plain('sso_url', w.ssoUrl)}
      <Lines
        label={w.certificates}
        help={w.certificatesHelp}
        value={list(config, 'certificates')}
        read={certificatesOf}
        apart={'\n\n'}
        onChange={(certificates) => set({ certificates })}
        error={inList(error, 'certificates', list(config, 'certificates').length)}
        rows={2}
      />
      <fieldset className={styles.group}>
        <legend>{w.attributes}</legend>
        <p>{w.attributesHelp}</p>
        <div className={styles.pair}>
          {attribute('name', w.attributeName)}
          {attribute('groups', w.attributeGroups)}
          {attribute('display_name', w.attributeDisplay)}
          {attribute('mail', w.attributeMail)}
        </div>
      </fieldset>
      <details className={styles.more}>
        <summary>{w.more}</summary>
        <div className={styles.stack}>
          <div className={styles.pair}>
            <Select
              label={w.nameId}
              data={Object.entries(w.nameIds).map(([value, label]) => ({ value, label }))}
              value={typeof config.name_id_format === 'string' ? config.name_id_format : persistent}
              onChange={(value) => set({ name_id_format: value ?? persistent })}
              allowDeselect={false}
              error={error('name_id_format')}
            />
            {plain('subject', w.subject, w.subjectHelp)}
          </div>
          {tick('mail_is_subject', false, w.mailIsSubject, w.mailIsSubjectHelp)}
          <div className={styles.pair}>
            <Lines
              label={w.factors}
              help={w.factorsHelp}
              value={list(config, 'factor_contexts')}
              read={lines}
              onChange={(value) => set({ factor_contexts: value })}
              error={inList(error, 'factor_contexts', list(config, 'factor_contexts').length)}
            />
            <Lines
              label={w.contexts}
              help={w.contextsHelp}
              value={list(config, 'contexts')}
              read={lines}
              onChange={(value) => set({ contexts: value })}
              error={inList(error, 'contexts', list(config, 'contexts').length)}
            />
          </div>
          {plain('slo_url', w.sloUrl, w.sloUrlHelp)}
          {tick('sign_requests', true, w.signRequests)}
          {tick('unsolicited', false, w.unsolicited, w.unsolicitedHelp)}
          <NumberInput
            label={w.skew}
            value={typeof config.clock_skew_s === 'number' ? config.clock_skew_s : 60}
            onChange={(value) => set({ clock_skew_s: Number(value) || 0 })}
            min={0}
            max={300}
            allowDecimal={false}
            error={error('clock_skew_s')}
          />
          {long('metadata_signed_by', w.metadataSignedBy, w.metadataSignedByHelp)}
        </div>
      </details>
    </>
  )
}

export const saml: KindForm = {
  initial: {
    metadata: '',
    factor_contexts: ['https://refeds.org/profile/mfa', 'http://schemas.microsoft.com/claims/multipleauthn'],
  },
  Form,
  // The server makes a key of its own.
  secret: () => undefined,
  renew: { label: w.renew, help: w.renewHelp },
  addresses: ['metadata', 'callback', 'logout'],
  addressWords: w.addresses,
  describe: (config) => text(config, 'entity_id'),
}
