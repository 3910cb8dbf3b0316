/**
 * Assembles the WebAssembly half of `src/base/crc64.ts` and writes it as base64 into `src/base/crc64-wasm.ts`.
 * Run it after a change here: `node scripts/make-crc64-wasm.mjs`. The assembler (wabt) is a development tool only.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import createWabt from 'wabt'

/** The polynomial of ECMA-182, reflected. */
const polynomial = '0xC96C5795D7870F42'
/** x^8 modulo the polynomial, reflected: what one further byte multiplies a checksum by. */
const oneByte = '0x0080000000000000'

/** Entry of table `table` for the byte of `word` at bit `shift`; a table is 256 entries of 8 bytes. */
const look = (table, word, shift) => {
  const eightTimesByte =
    shift === 0
      ? `(i32.shl (i32.and (local.get ${word}) (i32.const 255)) (i32.const 3))`
      : `(i32.and (i32.shr_u (local.get ${word}) (i32.const ${shift - 3})) (i32.const 2040))`
  return `(i64.load offset=${table * 2048} ${eightTimesByte})`
}
/** A balanced tree, so that the loads do not wait for each other. */
const xor = (terms) => {
  if (terms.length === 1) return terms[0]
  const half = terms.length >> 1
  return `(i64.xor ${xor(terms.slice(0, half))} ${xor(terms.slice(half))})`
}
const fourBytes = (table, word) => [0, 8, 16, 24].map((shift, i) => look(table - i, word, shift))
const eightBytes = (table, low, high) => xor([...fourBytes(table, low), ...fourBytes(table - 4, high)])

/** Memory: 16 tables of 2 KiB at 0, then the data. 6 pages of 64 KiB. */
const text = `(module
  (memory (export "memory") 6)

  ;; Sixteen bytes a turn, then byte by byte. \`crc\` is the inverted state.
  (func (export "update") (param $crc i64) (param $at i32) (param $length i32) (result i64)
    (local $mixed i64) (local $tail i64) (local $al i32) (local $ah i32) (local $bl i32) (local $bh i32) (local $end i32)
    (local.set $end (i32.add (local.get $at) (i32.and (local.get $length) (i32.const -16))))
    (block $blocksDone (loop $blocks
      (br_if $blocksDone (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $bl (i32.load offset=8 (local.get $at)))
      (local.set $bh (i32.load offset=12 (local.get $at)))
      (local.set $tail ${eightBytes(7, '$bl', '$bh')})
      (local.set $mixed (i64.xor (i64.load (local.get $at)) (local.get $crc)))
      (local.set $al (i32.wrap_i64 (local.get $mixed)))
      (local.set $ah (i32.wrap_i64 (i64.shr_u (local.get $mixed) (i64.const 32))))
      (local.set $crc (i64.xor (local.get $tail) ${eightBytes(15, '$al', '$ah')}))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $blocks)))
    (local.set $end (i32.add (local.get $end) (i32.and (local.get $length) (i32.const 15))))
    (block $bytesDone (loop $bytes
      (br_if $bytesDone (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $crc (i64.xor
        (i64.load (i32.shl
          (i32.xor (i32.and (i32.wrap_i64 (local.get $crc)) (i32.const 255)) (i32.load8_u (local.get $at)))
          (i32.const 3)))
        (i64.shr_u (local.get $crc) (i64.const 8))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $bytes)))
    (local.get $crc))

  ;; a times b modulo the polynomial, both reflected: the highest bit is the coefficient of 1.
  (func $times (param $a i64) (param $b i64) (result i64)
    (local $product i64) (local $turns i32)
    (local.set $turns (i32.const 64))
    (loop $bits
      (local.set $product (i64.xor (local.get $product)
        (i64.and (local.get $b) (i64.shr_s (local.get $a) (i64.const 63)))))
      (local.set $a (i64.shl (local.get $a) (i64.const 1)))
      (local.set $b (i64.xor (i64.shr_u (local.get $b) (i64.const 1))
        (i64.and (i64.const ${polynomial}) (i64.sub (i64.const 0) (i64.and (local.get $b) (i64.const 1))))))
      (br_if $bits (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
    (local.get $product))

  ;; The checksum of "a" followed by "length" bytes whose checksum is "b": a * x^(8 * length) + b, by squaring.
  (func (export "combine") (param $a i64) (param $b i64) (param $length f64) (result i64)
    (local $left i64) (local $power i64)
    (local.set $left (i64.trunc_f64_u (local.get $length)))
    (local.set $power (i64.const ${oneByte}))
    (block $done (loop $bits
      (br_if $done (i64.eqz (local.get $left)))
      (if (i32.wrap_i64 (i64.and (local.get $left) (i64.const 1)))
        (then (local.set $a (call $times (local.get $power) (local.get $a)))))
      (local.set $power (call $times (local.get $power) (local.get $power)))
      (local.set $left (i64.shr_u (local.get $left) (i64.const 1)))
      (br $bits)))
    (i64.xor (local.get $a) (local.get $b))))`

const wabt = await createWabt()
const module = wabt.parseWat('crc64.wat', text)
module.validate()
const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64')
const lines = base64.match(/.{1,110}/g).map((line) => `  '${line}'`)
const source = `/** The WebAssembly half of \`crc64.ts\` in base64. Made by \`scripts/make-crc64-wasm.mjs\`, where it can be read. */
export const crc64Wasm =
${lines.join(' +\n')}
`
writeFileSync(fileURLToPath(new URL('../src/base/crc64-wasm.ts', import.meta.url)), source)
process.stdout.write(`src/base/crc64-wasm.ts: ${base64.length} characters\n`)
