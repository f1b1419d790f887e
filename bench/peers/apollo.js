// Apollo Server: node apollo.js PORT ACCOUNT PERMISSION BANNER ACTIVITY
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { connect } from './backends.js'
import { contextOf, resolvers as fields, typeDefs, typeNames } from './home.js'

const [port, ...addresses] = process.argv.slice(2)
const backends = connect(addresses)
const resolvers = {
  ...fields,
  Account: { __resolveType: typeNames.Account },
  Home: { __resolveType: typeNames.Home }
}
await startStandaloneServer(new ApolloServer({ typeDefs, resolvers }), {
  listen: { host: '127.0.0.1', port: Number(port) },
  context: ({ req }) => contextOf(backends, req.headers.authorization)
})
