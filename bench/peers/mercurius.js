// Mercurius with JIT: node mercurius.js PORT ACCOUNT PERMISSION BANNER ACTIVITY
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { connect } from './backends.js'
import { contextOf, resolvers, typeDefs, typeNames } from './home.js'

const [port, ...addresses] = process.argv.slice(2)
const backends = connect(addresses)
const app = Fastify()
app.register(mercurius, {
  schema: typeDefs,
  resolvers: { ...resolvers, Account: { resolveType: typeNames.Account }, Home: { resolveType: typeNames.Home } },
  jit: 1,
  context: (request) => contextOf(backends, request.headers.authorization)
})
await app.listen({ host: '127.0.0.1', port: Number(port) })
