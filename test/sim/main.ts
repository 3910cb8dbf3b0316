import { installLightAbort } from './light-abort.ts'
import { runSeed } from './run-seed.ts'

installLightAbort()
const seed = Number(process.argv[2] ?? 1)
const n = Number(process.argv[3] ?? 1)
const t = process.cpuUsage()
for (let s = seed; s < seed + n; s += 1) {
  const r = await runSeed(s, { tells: n === 1 })
  if (n === 1) console.log(r.history.join('\n'))
  console.log(s, JSON.stringify(r.weight), JSON.stringify(r.violations), JSON.stringify(r.met))
  await new Promise((go) => setImmediate(go))
}
const u = process.cpuUsage(t)
console.log(`cpu ms per seed ${(u.user + u.system) / 1000 / n}`)
