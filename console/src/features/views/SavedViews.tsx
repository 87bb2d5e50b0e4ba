// Filters under a name, kept on the server. Choosing one only changes the address: that stays the state.

import { Checkbox, Menu, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, body, client } from '../../api/client'
import { viewsQuery } from '../../api/queries'
import type { SavedView } from '../../api/types'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { IconBookmark, IconCheck, IconChevronDown } from '../../ui/icons'
import { Empty, Notice, Tag } from '../../ui/Layout'
import { toast } from '../../ui/toast'
import { useMay, useMe } from '../shell/useMe'
import styles from './SavedViews.module.css'

/** What a view keeps of a list's address. */
export interface ViewState {
  filter: string
  scope: string
  sort: string
}

const same = (view: ViewState, state: ViewState) =>
  view.filter === state.filter && view.scope === state.scope && view.sort === state.sort

export function SavedViews({
  list,
  state,
  onOpen,
}: {
  list: 'problems' | 'hosts'
  state: ViewState
  onOpen: (view: ViewState) => void
}) {
  const may = useMay()
  const views = useQuery({ ...viewsQuery, enabled: may('view.read') })
  const [dialog, setDialog] = useState<'save' | 'manage' | undefined>(undefined)
  if (!may('view.read')) return null
  const all = (views.data?.items ?? []).filter((view) => view.list === list)
  const mine = all.filter((view) => view.mine)
  const shared = all.filter((view) => !view.mine)
  const active = all.find((view) => same(view, state))
  const item = (view: SavedView) => (
    <Menu.Item
      key={view.id}
      onClick={() => onOpen(view)}
      leftSection={
        <span className={styles.tick}>{view === active && <IconCheck size={14} aria-hidden />}</span>
      }
      rightSection={
        view.mine ? (
          view.shared && <Tag>{t.views.isShared}</Tag>
        ) : (
          <span className={styles.owner}>{view.owner}</span>
        )
      }
      aria-current={view === active || undefined}
    >
      {view.name}
    </Menu.Item>
  )
  return (
    <>
      <Menu
        position="bottom-start"
        width={260}
        shadow="md"
        transitionProps={{ duration: 80 }}
        withinPortal={false}
        withInitialFocusPlaceholder={false}
      >
        <Menu.Target>
          <button
            type="button"
            className={styles.button}
            data-active={active !== undefined}
            aria-label={active === undefined ? t.views.buttonLabel : t.views.buttonOf(active.name)}
          >
            <IconBookmark size={15} stroke={1.6} aria-hidden />
            <span className={styles.name}>{active?.name ?? t.views.button}</span>
            <IconChevronDown size={14} aria-hidden />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {views.isError && <p className={styles.nothing}>{views.error.message}</p>}
          {all.length === 0 && !views.isError && <p className={styles.nothing}>{t.views.none}</p>}
          {mine.length > 0 && <Menu.Label>{t.views.mine}</Menu.Label>}
          {mine.map(item)}
          {shared.length > 0 && <Menu.Label>{t.views.shared}</Menu.Label>}
          {shared.map(item)}
          <Menu.Divider />
          {may('view.keep') && <Menu.Item onClick={() => setDialog('save')}>{t.views.save}</Menu.Item>}
          {all.length > 0 && <Menu.Item onClick={() => setDialog('manage')}>{t.views.manage}</Menu.Item>}
        </Menu.Dropdown>
      </Menu>
      {dialog === 'save' && (
        <SaveDialog list={list} state={state} mine={mine} onClose={() => setDialog(undefined)} />
      )}
      {dialog === 'manage' && <ManageDialog views={all} onClose={() => setDialog(undefined)} />}
    </>
  )
}

function SaveDialog({
  list,
  state,
  mine,
  onClose,
}: {
  list: 'problems' | 'hosts'
  state: ViewState
  mine: readonly SavedView[]
  onClose: () => void
}) {
  const may = useMay()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [wanted, setWanted] = useState<boolean | undefined>(undefined)
  const older = mine.find((view) => view.name === name.trim())
  const shared = wanted ?? older?.shared ?? false
  const save = useMutation({
    mutationFn: () => {
      const input = { list, name: name.trim(), shared, ...state }
      return older === undefined
        ? body(client.POST('/api/v1/views', { body: input }))
        : body(
            client.PUT('/api/v1/views/{id}', {
              params: { path: { id: older.id } },
              body: { ...input, revision: older.revision },
            }),
          )
    },
    onSuccess: (view) => {
      toast(t.views.saved(view.name))
      onClose()
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: viewsQuery.queryKey }),
  })
  const problem = save.error instanceof ApiError ? save.error : undefined
  const field = problem?.field('name')
  return (
    <Dialog
      title={t.views.saveTitle}
      open
      onClose={onClose}
      onSubmit={() => save.mutate()}
      busy={save.isPending}
      disabled={name.trim() === ''}
    >
      <p className={styles.detail}>{t.views.saveDetail}</p>
      <TextInput
        label={t.views.name}
        placeholder={t.views.namePlaceholder}
        description={older === undefined ? undefined : t.views.replaces}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        maxLength={60}
        error={field}
        required
        data-autofocus
      />
      <div>
        <div className={styles.label}>{t.views.filter}</div>
        <code className={styles.filter}>{state.filter === '' ? t.views.noFilter : state.filter}</code>
      </div>
      {may('view.share') && (
        <Checkbox
          label={t.views.share}
          description={t.views.shareHelp}
          checked={shared}
          onChange={(event) => setWanted(event.currentTarget.checked)}
        />
      )}
      {save.isError && field === undefined && (
        <Notice tone="danger" title={t.views.failed}>
          {problem?.field('filter') ?? save.error.message}
        </Notice>
      )}
    </Dialog>
  )
}

function ManageDialog({ views, onClose }: { views: readonly SavedView[]; onClose: () => void }) {
  const may = useMay()
  const me = useMe()
  const queries = useQueryClient()
  const refresh = () => void queries.invalidateQueries({ queryKey: viewsQuery.queryKey })
  const share = useMutation({
    mutationFn: ({ id, owner: _, mine: __, created_at: ___, ...view }: SavedView) =>
      body(
        client.PUT('/api/v1/views/{id}', {
          params: { path: { id } },
          body: { ...view, shared: !view.shared },
        }),
      ),
    onSettled: refresh,
  })
  const remove = useMutation({
    mutationFn: async (view: SavedView) => {
      await client.DELETE('/api/v1/views/{id}', { params: { path: { id: view.id } } })
    },
    onSuccess: (_, view) => toast(t.views.removed(view.name)),
    onSettled: refresh,
  })
  const error = share.error ?? remove.error
  return (
    <Dialog title={t.views.manageTitle} open onClose={onClose} width={560}>
      {views.length === 0 && <Empty title={t.views.none} />}
      <ul className={styles.rows}>
        {views.map((view) => (
          <li key={view.id}>
            <div>
              <strong>{view.name}</strong>
              {!view.mine && <Tag>{t.views.sharedBy(view.owner)}</Tag>}
              {view.mine && view.shared && <Tag>{t.views.isShared}</Tag>}
              <code className={styles.filter}>{view.filter === '' ? t.views.noFilter : view.filter}</code>
            </div>
            {view.mine && (view.shared || may('view.share')) && (
              <Button
                size="small"
                busy={share.isPending && share.variables.id === view.id}
                onClick={() => share.mutate(view)}
                aria-label={view.shared ? undefined : t.views.shareOf(view.name)}
              >
                {view.shared ? t.views.unshare : t.views.doShare}
              </Button>
            )}
            {(view.mine || me.role === 'admin') && (
              <Button
                size="small"
                look="danger"
                busy={remove.isPending && remove.variables.id === view.id}
                onClick={() => remove.mutate(view)}
                aria-label={t.views.removeOf(view.name)}
              >
                {t.views.remove}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {error !== null && (
        <Notice tone="danger" title={t.views.failed}>
          {error.message}
        </Notice>
      )}
    </Dialog>
  )
}
