// An LDAP directory, Active Directory among them.

import { NumberInput, Select, Textarea, TextInput } from '@mantine/core'
import styles from '../Providers.module.css'
import { lines, Protection, part, ServerLines } from './directoryParts'
import { directoryWords as all } from './directoryWords'
import { type Config, type KindForm, type KindFormProps, list, text, words } from './form'

const w = all.ldap

const options = (labels: Record<string, string>) =>
  Object.entries(labels).map(([value, label]) => ({ value, label }))

const usualFilter =
  '(|(objectClass=group)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))'

function Form({ config, onChange, error }: KindFormProps) {
  const set = (change: Config) => onChange({ ...config, ...change })
  const find = part(config, 'find')
  const groups = part(config, 'groups')
  const from = text(groups, 'from') || 'nothing'
  const searches = text(find, 'by') !== 'template'
  const inPart = (
    name: 'find' | 'attributes' | 'groups',
    field: string,
    label: string,
    help?: string,
    placeholder?: string,
  ) => {
    const of = part(config, name)
    return (
      <TextInput
        label={label}
        description={help}
        placeholder={placeholder}
        value={text(of, field)}
        onChange={(event) => {
          const { [field]: _, ...rest } = of
          const value = event.currentTarget.value
          set({ [name]: value === '' && name !== 'find' ? rest : { ...rest, [field]: value } })
        }}
        error={error(`${name}/${field}`)}
        spellCheck={false}
      />
    )
  }
  const number = (field: string, label: string, otherwise: number) => (
    <NumberInput
      label={label}
      value={typeof groups[field] === 'number' ? (groups[field] as number) : otherwise}
      onChange={(value) => set({ groups: { ...groups, [field]: Number(value) } })}
      error={error(`groups/${field}`)}
      allowDecimal={false}
      min={1}
    />
  )
  return (
    <>
      <ServerLines config={config} onChange={set} error={error} />
      <div className={styles.pair}>
        <Select
          label={w.security}
          data={options(w.securities)}
          value={text(config, 'security') || 'ldaps'}
          onChange={(security) => set({ security: security ?? 'ldaps' })}
          allowDeselect={false}
        />
        <Select
          label={w.find}
          data={options(w.finds)}
          value={searches ? 'search' : 'template'}
          onChange={(by) =>
            set({
              find:
                by === 'template'
                  ? { by: 'template', dn: 'uid={name},ou=people,dc=corp,dc=example' }
                  : { by: 'search', bind_dn: '', base: '', filter: '(uid={name})' },
            })
          }
          allowDeselect={false}
        />
      </div>
      {searches ? (
        <>
          {inPart('find', 'bind_dn', w.bindDn, w.bindDnHelp, 'cn=watchkeep,ou=services,dc=corp,dc=example')}
          {inPart('find', 'base', w.base, undefined, 'ou=people,dc=corp,dc=example')}
          {inPart('find', 'filter', w.filter, w.filterHelp)}
        </>
      ) : (
        inPart('find', 'dn', w.dn, w.dnHelp)
      )}
      <fieldset className={styles.group}>
        <legend>{w.attributes}</legend>
        <p>{w.attributesHelp}</p>
        <div className={styles.pair}>
          {inPart('attributes', 'subject', w.subject, undefined, 'entryUUID')}
          {inPart('attributes', 'name', w.name, undefined, 'uid')}
          {inPart('attributes', 'display_name', w.display, undefined, 'cn')}
          {inPart('attributes', 'mail', w.mail, undefined, 'mail')}
        </div>
      </fieldset>
      <fieldset className={styles.group}>
        <legend>{w.groups}</legend>
        <Select
          label={w.from}
          data={options(w.froms)}
          value={from}
          onChange={(value) => set({ groups: { ...groups, from: value ?? 'nothing' } })}
          allowDeselect={false}
        />
        {from !== 'nothing' && (
          <>
            {inPart('groups', 'base', w.groupBase, w.groupBaseHelp, 'ou=groups,dc=corp,dc=example')}
            <div className={styles.pair}>
              <Select
                label={w.nested}
                data={options(w.nesteds).filter((each) => from === 'search' || each.value !== 'in_chain')}
                value={text(groups, 'nested') || 'direct'}
                onChange={(nested) => set({ groups: { ...groups, nested: nested ?? 'direct' } })}
                error={error('groups/nested')}
                allowDeselect={false}
              />
              <Select
                label={w.namedBy}
                data={options(w.namedBys)}
                value={text(groups, 'named_by') || 'dn'}
                onChange={(by) => set({ groups: { ...groups, named_by: by ?? 'dn' } })}
                allowDeselect={false}
              />
            </div>
            {from === 'member_of' ? (
              inPart('groups', 'attribute', w.memberOf, undefined, 'memberOf')
            ) : (
              <>
                <TextInput
                  label={w.members}
                  description={w.membersHelp}
                  placeholder="member uniqueMember memberUid"
                  defaultValue={list(groups, 'member_attributes').join(' ')}
                  onChange={(event) => {
                    const { member_attributes: _, ...rest } = groups
                    const value = words(event.currentTarget.value)
                    set({ groups: value.length === 0 ? rest : { ...rest, member_attributes: value } })
                  }}
                  error={error('groups/member_attributes')}
                  spellCheck={false}
                />
                {inPart('groups', 'filter', w.groupFilter, undefined, usualFilter)}
              </>
            )}
            <div className={styles.pair}>
              {number('depth_max', w.depthMax, 8)}
              {number('count_max', w.countMax, 1000)}
            </div>
          </>
        )}
      </fieldset>
      <details className={styles.more}>
        <summary>{all.more}</summary>
        <div className={styles.page}>
          <Textarea
            label={all.caPem}
            description={all.caPemHelp}
            value={text(config, 'ca_pem')}
            onChange={(event) => {
              const { ca_pem: _, ...rest } = config
              const value = event.currentTarget.value
              onChange(value.trim() === '' ? rest : { ...rest, ca_pem: value })
            }}
            error={error('ca_pem')}
            autosize
            minRows={3}
            maxRows={10}
            spellCheck={false}
          />
          <TextInput
            label={w.referrals}
            description={w.referralsHelp}
            defaultValue={list(config, 'follow_referrals_to').join(' ')}
            onChange={(event) => set({ follow_referrals_to: words(event.currentTarget.value) })}
            error={error('follow_referrals_to') ?? error('follow_referrals_to/0')}
            spellCheck={false}
          />
          <Protection config={config} onChange={set} error={error} />
        </div>
      </details>
    </>
  )
}

export const ldap: KindForm = {
  initial: {
    servers: [],
    security: 'ldaps',
    find: { by: 'search', bind_dn: '', base: '', filter: '(uid={name})' },
    groups: { from: 'search', nested: 'walk' },
  },
  Form,
  secret: (config) => (text(part(config, 'find'), 'by') === 'template' ? undefined : w.secret),
  addresses: [],
  describe: (config) => lines(list(config, 'servers')),
}
