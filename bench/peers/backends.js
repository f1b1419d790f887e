// The four backends over gRPC, as promises.
import { createPrivateKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js'
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
    return [name, promising(new Service(addresses[at], credentials.createInsecure()), proving(name))]
  }))
}

// What tells a backend that the gateway calls a method: a JWS by its key, made again long before it ends.
function proving (backend) {
  const part = (content) => Buffer.from(JSON.stringify(content)).toString('base64url')
  const made = new Map()
  return (method) => {
    if (Date.now() >= (made.get(method)?.renewAt ?? 0)) {
      const jwk = JSON.parse(readFileSync(`${process.env.ATRIUM_DATA}/keys/gateway.json`))
      const key = createPrivateKey({ key: jwk, format: 'jwk' })
      const claims = { aud: backend, method, exp: Math.trunc(Date.now() / 1000) + 300 }
      const words = `${part({ alg: 'Ed25519', kid: jwk.kid, typ: 'caller+jwt' })}.${part(claims)}`
      const metadata = new Metadata()
      metadata.set('atrium-caller', `${words}.${sign(null, Buffer.from(words), key).toString('base64url')}`)
      made.set(method, { metadata, renewAt: Date.now() + 120_000 })
    }
    return made.get(method).metadata
  }
}

function promising (stub, proof) {
  return new Proxy({}, {
    get: (_, method) => (request) => new Promise((resolve, reject) => {
      const done = (error, reply) => error ? reject(error) : resolve(reply)
      stub[method](request, proof(stub[method].path), { deadline: Date.now() + TIMEOUT_MS }, done)
    })
  })
}
