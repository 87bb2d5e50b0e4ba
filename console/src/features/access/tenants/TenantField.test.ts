import { expect, test } from 'vitest'
import { without } from './TenantField'

const tree = [
  { id: 'root', depth: 0 },
  { id: 'asia', depth: 1 },
  { id: 'europe', depth: 1 },
  { id: 'paris', depth: 2 },
  { id: 'north', depth: 3 },
  { id: 'usa', depth: 1 },
]
const ids = (except?: string) => without(tree, except).map((each) => each.id)

test('a tenant is never offered to itself nor to what is below it', () => {
  expect(ids('europe')).toEqual(['root', 'asia', 'usa'])
  expect(ids('usa')).toEqual(['root', 'asia', 'europe', 'paris', 'north'])
  expect(ids('root')).toEqual([])
  expect(ids()).toHaveLength(6)
})
