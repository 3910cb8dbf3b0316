import { expect, test } from 'vitest'
import { createLoopGroup, type LoopPlan } from '../../src/base/loop-group.ts'

function recordingPlans() {
  const told: string[] = []
  const plan = (name: string, fingerprint: string): [string, LoopPlan] => [
    name,
    {
      fingerprint,
      run: async (signal) => {
        told.push(`${name}:${fingerprint} starts`)
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
        told.push(`${name}:${fingerprint} ends`)
      },
    },
  ]
  return { told, plan }
}

test('restarts only the loops whose settings changed', async () => {
  const { told, plan } = recordingPlans()
  const group = createLoopGroup(() => expect.unreachable())
  await group.apply(new Map([plan('a', '1'), plan('b', '1')]))
  await group.apply(new Map([plan('a', '1'), plan('b', '2'), plan('c', '1')]))
  expect(told).toEqual(['a:1 starts', 'b:1 starts', 'b:1 ends', 'b:2 starts', 'c:1 starts'])
  await group.stop((name) => name === 'a')
  expect(group.names()).toEqual(['b', 'c'])
  await group.stop()
  expect(told.slice(5)).toEqual(['a:1 ends', 'b:2 ends', 'c:1 ends'])
})

test('a loop that ends or throws without being told is fatal', async () => {
  const fatal: string[] = []
  const group = createLoopGroup((name, error) => fatal.push(`${name}: ${(error as Error).message}`))
  await group.apply(
    new Map<string, LoopPlan>([
      ['ended', { fingerprint: '', run: async () => {} }],
      ['thrown', { fingerprint: '', run: async () => Promise.reject(new Error('broken')) }],
    ]),
  )
  await new Promise((resolve) => setImmediate(resolve))
  expect(fatal.sort()).toEqual(['ended: The loop ended ended by itself.', 'thrown: broken'])
})
