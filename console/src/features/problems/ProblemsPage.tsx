// What needs a person, unhandled first. The filter, the order and the open panel are in the address.

import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { checksQuery, complete } from '../../api/queries'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Choice } from '../../ui/Choice'
import { FilterBar } from '../../ui/FilterBar'
import { orderOf } from '../../ui/Grid'
import { Empty, Page } from '../../ui/Layout'
import { CheckList, checkColumns, idOfCheck } from '../checks/CheckList'
import { useList, useListState } from '../shell/useList'
import { useSearchState } from '../shell/useSearchState'
import { SavedViews } from '../views/SavedViews'
import styles from './ProblemsPage.module.css'

const DEFAULT_FILTER = '-handled'

const views = [
  { id: 'unhandled', label: t.problems.views.unhandled, scope: undefined, q: undefined },
  { id: 'handled', label: t.problems.views.handled, scope: undefined, q: 'handled' },
  { id: 'problems', label: t.problems.views.problems, scope: undefined, q: '' },
  { id: 'all', label: t.problems.views.all, scope: 'all', q: '' },
] as const

export function ProblemsPage() {
  const [search, setSearch] = useSearchState()
  const state = useListState('check', idOfCheck)
  const filter = search.q ?? (search.scope === 'all' ? '' : DEFAULT_FILTER)
  const scope = search.scope === 'all' ? 'checks' : 'problems'
  const list = useList(
    useInfiniteQuery({
      ...checksQuery(scope, filter, undefined, orderOf(checkColumns, state.sort)),
      placeholderData: keepPreviousData,
    }),
  )
  const view = views.find((each) => (each.q ?? DEFAULT_FILTER) === filter && each.scope === search.scope)?.id
  const unhandled = scope === 'problems' && filter === DEFAULT_FILTER
  return (
    <Page
      fill
      title={t.problems.title}
      below={
        <div className={styles.filters}>
          <FilterBar
            label={t.problems.filter}
            placeholder={t.problems.placeholder}
            value={filter}
            onChange={(q) => setSearch({ q })}
            complete={complete}
          />
          <Choice
            label={t.problems.viewsLabel}
            options={views}
            chosen={view}
            onChoose={(id) => {
              const to = views.find((each) => each.id === id)
              setSearch({ q: to?.q, scope: to?.scope })
            }}
          />
          <SavedViews
            list="problems"
            state={{ filter, scope: search.scope ?? '', sort: search.sort ?? '' }}
            onOpen={(to) =>
              setSearch({ q: to.filter, scope: to.scope || undefined, sort: to.sort || undefined })
            }
          />
        </div>
      }
    >
      <CheckList
        name="problems"
        label={t.problems.title}
        list={list}
        state={state}
        scope={`${scope}|${filter}`}
        empty={
          unhandled ? (
            <Empty title={t.problems.allQuiet}>{t.problems.allQuietDetail}</Empty>
          ) : (
            <Empty
              title={t.problems.noMatch}
              action={
                <Button onClick={() => setSearch({ q: undefined, scope: undefined })}>
                  {t.problems.back}
                </Button>
              }
            >
              {t.problems.noMatchDetail}
            </Empty>
          )
        }
      />
    </Page>
  )
}
