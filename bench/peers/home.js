// The home query's resolvers over the backends, the same for each server.
import { readFileSync } from 'node:fs'
import DataLoader from 'dataloader'

export const typeDefs = readFileSync(new URL('home.graphql', import.meta.url), 'utf8')

const MAY_ACT = ['ACCOUNT_STATUS_ACTIVE', 'ACCOUNT_STATUS_CLOSING']
const TYPE = 'ACCOUNT_TYPE_'.length
const KIND = 'ACTIVITY_KIND_'.length

// What belongs to one request: its viewer, who is verified first, and a loader of accounts.
export async function contextOf (backends, authorization) {
  const token = (authorization ?? '').slice('Bearer '.length)
  const { sessions: [session] } = await backends.account.BatchVerifySessions({ tokens: [token] })
  if (session.state !== 'STATE_VALID' || !MAY_ACT.includes(session.accountStatus)) throw new Error('not signed in')
  const accounts = new DataLoader(async (ids) => {
    const found = await backends.account.BatchGetAccounts({ ids })
    const known = new Map(found.accounts.map((account) => [account.id, account]))
    return ids.map((id) => known.get(id) ?? null)
  })
  return { backends, accounts, viewer: session.viewer }
}

const pascal = (type) => type[0] + type.slice(1).toLowerCase()

// ISO 8601 with as many digits as there are, as Atrium writes it.
function moment ({ seconds, nanos }) {
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  const micros = Math.trunc(nanos / 1000)
  return micros ? `${whole}.${String(micros).padStart(6, '0')}+00:00` : `${whole}+00:00`
}

const home = {
  async features (viewer, _, { backends }) {
    const { answers } = await backends.permission.BatchListFeatures({ viewers: [viewer] })
    return answers[0].features
  },
  async banners (viewer, _, { backends }) {
    const question = { viewer, slot: 'BANNER_SLOT_HOME_TOP' }
    const { answers } = await backends.banner.BatchListBanners({ questions: [question] })
    return answers.flatMap((answer) => answer.banners)
  },
  async feed (viewer, { first }, { backends }) {
    const { pages } = await backends.activity.BatchListFeeds({ questions: [{ viewer, page: { first } }] })
    return pages[0]
  }
}

const homes = ['Guest', 'Personal', 'Creator', 'Business', 'Staff']

// Of which type an object is; each server wants to be told in its own way.
export const typeNames = {
  Account: (account) => `${pascal(account.type.slice(TYPE))}Account`,
  Home: (viewer) => `${pascal(viewer.accountType.slice(TYPE))}Home`
}

export const resolvers = {
  Query: { viewer: (_, __, { viewer }) => viewer },
  Viewer: {
    type: (viewer) => viewer.accountType.slice(TYPE),
    account: (viewer, _, { accounts }) => accounts.load(viewer.accountId),
    home: (viewer) => viewer
  },
  ...Object.fromEntries(homes.slice(1).map((name) => [`${name}Account`, { id: (account) => `acc_${account.id}` }])),
  ...Object.fromEntries(homes.map((name) => [`${name}Home`, home])),
  Feature: { badge: (feature) => feature._badge ? feature.badge : null },
  Banner: { id: (banner) => `ban_${banner.id}` },
  ActivityConnection: {
    edges: (page) => page.items,
    pageInfo: ({ items, hasNextPage }) => ({ hasNextPage, endCursor: items.length ? items.at(-1).cursor : null })
  },
  ActivityEdge: { node: (item) => item.activity },
  Activity: {
    id: (activity) => `act_${activity.id}`,
    kind: (activity) => activity.kind.slice(KIND),
    createdAt: (activity) => moment(activity.createdAt),
    author: (activity, _, { accounts }) => accounts.load(activity.authorId)
  }
}
