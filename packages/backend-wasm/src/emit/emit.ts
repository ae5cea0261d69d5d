// Emits the maps of a program: consecutive ones become one function, and an `emitted` instruction around their words
// calls it, so that everything else stays with the interpreter: the order of instructions, their checks, repetitions.
import { opcodes } from '@flambeau/stream'
import { canBlock, writeBlock } from './blocks.ts'
import { canRun, writeKernel } from './kernel.ts'
import { countOf, expressionsAt, isMap, type MapOf } from './decode.ts'
import { exacts } from './math.ts'
import { Body, f64, i32, Module } from './module.ts'
import * as w from './code.ts'
import { mostValues } from './computation.ts'

export interface Emitted {
  readonly words: Int32Array
  /** How many functions the words refer to. */
  readonly functions: number
  /** Whether the first of them computes all of the program. */
  readonly isWhole: boolean
  /** The module with the functions, named by their numbers; it imports memory, stack and functions from the compiled one. */
  readonly module: Uint8Array
}

/** Addresses of the rows and of the numbers in; 0 out, or the tag of a check that failed, plus 1. */
const whole = { params: [i32, i32], results: [i32] } as const
/** The address of the slots and the number of elements in. */
const block = { params: [i32, i32], results: [] } as const

/**
 * Words that are left as they are, or instructions that a function computes: maps as a whole, or the expression of a single
 * one in blocks.
 */
interface Part {
  readonly from: number
  to: number
  readonly maps: MapOf[]
  /** How many values the maps compute. */
  values: number
  readonly way: 'words' | 'whole' | 'blocks'
}

/** Rows shorter than this are gathered into blocks, if there are many: they fill vectors only together. */
const shortRow = 8
const manyElements = 1024

function wayOf(map: MapOf): Part['way'] {
  const elements = countOf(map.sizes)
  if (elements === 0) return 'words'
  const isShort = (map.sizes.at(-1) as number) < shortRow && elements >= manyElements
  if (isMap(map.opcode) && !isShort && canRun(map)) return 'whole'
  return canBlock(map) ? 'blocks' : 'words'
}

function partsOf(words: Int32Array, from: number, to: number): Part[] {
  const parts: Part[] = []
  for (let at = from; at < to; at += words[at + 1]) {
    const end = at + words[at + 1]
    const map = expressionsAt(words, at)
    const way = map === undefined ? 'words' : wayOf(map)
    const maps = map === undefined ? [] : [map]
    const last = parts.at(-1)
    const values = map?.values.length ?? 0
    if (way === 'whole' && last?.way === way && last.values + values <= mostValues) {
      last.maps.push(...maps)
      last.values += values
      last.to = end
    } else parts.push({ from: at, to: end, maps, values, way })
  }
  return parts
}

/** Words of an instruction before those that it contains. */
const emittedHead = 5
const repeatHead = 8

/** The program with emitted functions; undefined if nothing can be emitted. */
export function emit(words: Int32Array): Emitted | undefined {
  const module = new Module()
  module.importMemory('flambeau', 'memory')
  module.importVariable('flambeau', '__stack_pointer')
  module.importVariable('flambeau', 'turned')
  for (const [name, count] of Object.entries(exacts))
    module.importFunction('flambeau', name, { params: Array.from({ length: count }, () => f64), results: [f64] })
  let functions = 0
  const made: number[] = []
  const copy = (from: number, to: number): void => {
    for (let at = from; at < to; at++) made.push(words[at])
  }

  const write = (from: number, to: number): void => {
    for (const part of partsOf(words, from, to)) {
      if (part.way !== 'words') {
        const isWhole = part.way === 'whole'
        const body = new Body(2)
        let sums = false
        if (isWhole) {
          for (const map of part.maps) writeKernel(map, body, body.param(0).get, body.param(1).get)
          body.add(w.int(0))
        } else sums = writeBlock(part.maps[0], body)
        module.add(isWhole ? whole : block, body, String(functions))
        made.push(
          opcodes.emitted,
          emittedHead + part.to - part.from,
          part.maps[0].tag,
          functions++,
          isWhole ? 0 : sums ? 2 : 1,
        )
        copy(part.from, part.to)
      } else if (words[part.from] === opcodes.repeat) {
        const start = made.length
        const body = part.from + repeatHead
        const end = body + words[body - 1]
        copy(part.from, body)
        write(body, end)
        made[start + repeatHead - 1] = made.length - start - repeatHead
        copy(end, part.to)
        made[start + 1] = made.length - start
      } else copy(part.from, part.to)
    }
  }
  write(0, words.length)
  if (functions === 0) return undefined
  const isWhole = made[0] === opcodes.emitted && made[4] === 0 && made[1] === made.length
  return { words: Int32Array.from(made), functions, isWhole, module: module.encode() }
}
