// An OpenID provider.

import { Checkbox, MultiSelect, Select, Textarea, TextInput } from '@mantine/core'
import styles from '../Providers.module.css'
import { words as all } from '../words'
import { type Config, flag, type KindForm, type KindFormProps, list, text, words } from './form'

const w = all.oidc
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

const claimsOf = (config: Config): Config =>
  typeof config.claims === 'object' && config.claims !== null ? (config.claims as Config) : {}

function Form({ config, onChange, error }: KindFormProps) {
  const set = (change: Config) => onChange({ ...config, ...change })
  const claims = claimsOf(config)
  const claim = (name: string, label: string, otherwise: string) => (
    <TextInput
      label={label}
      placeholder={otherwise}
      value={text(claims, name)}
      onChange={(event) => {
        const { [name]: _, ...rest } = claims
        const value = event.currentTarget.value
        set({ claims: value === '' ? rest : { ...rest, [name]: value } })
      }}
      error={error(`claims/${name}`)}
      spellCheck={false}
    />
  )
  const wordList = (name: string, label: string, help: string) => (
    <TextInput
      label={label}
      description={help}
      defaultValue={list(config, name).join(' ')}
      onChange={(event) => set({ [name]: words(event.currentTarget.value) })}
      error={error(name)}
      spellCheck={false}
    />
  )
  return (
    <>
      <TextInput
        label={w.issuer}
        description={w.issuerHelp}
        placeholder="https://id.example/realms/main"
        value={text(config, 'issuer')}
        onChange={(event) => set({ issuer: event.currentTarget.value.trim() })}
        error={error('issuer')}
        inputMode="url"
        spellCheck={false}
        required
      />
      <div className={styles.pair}>
        <TextInput
          label={w.clientId}
          value={text(config, 'client_id')}
          onChange={(event) => set({ client_id: event.currentTarget.value.trim() })}
          error={error('client_id')}
          spellCheck={false}
          required
        />
        <Select
          label={w.auth}
          data={Object.entries(w.auths).map(([value, label]) => ({ value, label }))}
          value={text(config, 'client_auth') || 'basic'}
          onChange={(value) => set({ client_auth: value ?? 'basic' })}
          allowDeselect={false}
        />
      </div>
      {wordList('scopes', w.scopes, all.oidc.lists)}
      <fieldset className={styles.group}>
        <legend>{w.claims}</legend>
        <p>{w.claimsHelp}</p>
        <div className={styles.pair}>
          {claim('name', w.claimName, 'preferred_username')}
          {claim('groups', w.claimGroups, 'groups')}
          {claim('display_name', w.claimDisplay, 'name')}
          {claim('mail', w.claimMail, 'email')}
        </div>
      </fieldset>
      <div className={styles.pair}>
        {wordList('amr', w.amr, w.lists)}
        {wordList('acr', w.acr, w.lists)}
      </div>
      <details className={styles.more}>
        <summary>{w.more}</summary>
        <Checkbox
          label={w.userinfo}
          checked={flag(config, 'userinfo', true)}
          onChange={(event) => set({ userinfo: event.currentTarget.checked })}
        />
        {wordList('hosts', w.hosts, w.hostsHelp)}
        <MultiSelect
          label={w.algorithms}
          data={algorithms}
          value={list(config, 'algorithms')}
          onChange={(value) => set({ algorithms: value })}
          error={error('algorithms')}
        />
        <Textarea
          label={w.rootPem}
          description={w.rootPemHelp}
          value={text(config, 'root_pem')}
          onChange={(event) => set({ root_pem: event.currentTarget.value })}
          error={error('root_pem')}
          autosize
          minRows={3}
          maxRows={10}
          spellCheck={false}
        />
      </details>
    </>
  )
}

export const oidc: KindForm = {
  initial: {
    issuer: '',
    client_id: '',
    client_auth: 'basic',
    scopes: ['openid', 'profile', 'email'],
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    amr: ['mfa'],
  },
  Form,
  secret: (config) => (text(config, 'client_auth') === 'none' ? undefined : w.secret),
  addresses: ['callback', 'logout'],
  describe: (config) => text(config, 'issuer'),
}
