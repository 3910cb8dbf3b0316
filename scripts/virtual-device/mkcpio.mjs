// mkcpio.mjs <folder> <out>: a "newc" cpio archive of a folder, owned by root.
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const [folder, out] = process.argv.slice(2)
const fd = openSync(out, 'w')
let ino = 0
const pad = (b) => Buffer.concat([b, Buffer.alloc(-b.length & 3)])
const entry = (name, mode, data = Buffer.alloc(0)) => {
  const n = Buffer.from(`${name}\0`)
  const fields = [++ino, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, n.length, 0]
  const head = `070701${fields.map((x) => x.toString(16).padStart(8, '0')).join('')}`
  writeSync(fd, pad(Buffer.concat([Buffer.from(head), n])))
  writeSync(fd, pad(data))
}
const walk = (rel) => {
  for (const f of readdirSync(join(folder, rel)).sort()) {
    const name = rel ? `${rel}/${f}` : f
    const p = join(folder, name)
    const st = lstatSync(p)
    if (st.isSymbolicLink()) entry(name, 0o120777, Buffer.from(readlinkSync(p)))
    else if (st.isDirectory()) {
      entry(name, 0o40755)
      walk(name)
    } else entry(name, 0o100000 | (st.mode & 0o7777), readFileSync(p))
  }
}
walk('')
entry('TRAILER!!!', 0)
closeSync(fd)
