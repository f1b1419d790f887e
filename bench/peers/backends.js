// The four backends over gRPC, as promises.
import { fileURLToPath } from 'node:url'
import { credentials, loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const PROTOS = fileURLToPath(new URL('../../schema/proto', import.meta.url))
const NAMES = ['account', 'permission', 'banner', 'activity']
const TIMEOUT_MS = 5000

// By name; each method takes a request and resolves with the reply.
export function connect (addresses) {
  const files = NAMES.map((name) => `${name}/v1/${name}.proto`)
  const options = { includeDirs: [PROTOS], longs: String, enums: String, defaults: true, oneofs: true }
  const packages = loadPackageDefinition(loadSync(files, options))
  return Object.fromEntries(NAMES.map((name, at) => {
    const Service = packages[name].v1[`${name[0].toUpperCase()}${name.slice(1)}Service`]
    return [name, promising(new Service(addresses[at], credentials.createInsecure()))]
  }))
}

function promising (stub) {
  return new Proxy({}, {
    get: (_, method) => (request) => new Promise((resolve, reject) => {
      const done = (error, reply) => error ? reject(error) : resolve(reply)
      stub[method](request, { deadline: Date.now() + TIMEOUT_MS }, done)
    })
  })
}
