// Emits the maps of a program: consecutive ones become one function, and an `emitted` instruction around their words
// calls it, so that everything else stays with the interpreter: the order of instructions, their checks, repetitions.
import { opcodes } from '@flambeau/stream'
import { canBlock, writeBlock } from './blocks.ts'
import { canRun, writeKernel } from './kernel.ts'
import { isMap, type MapOf, mapAt } from './decode.ts'
import { Body, i32, Module } from './module.ts'
import * as w from './code.ts'

export interface Emitted {
  readonly words: Int32Array
  /** How many functions the words refer to. */
  readonly functions: number
  /** The module with the functions, whose names are their numbers; it imports `flambeau.memory`. */
  readonly module: Uint8Array
}

/** Addresses of the rows and of the numbers in; 0 out, or the tag of a check that failed, plus 1. */
const whole = { params: [i32, i32], results: [i32] } as const
/** The address of the slots and the number of elements in. */
const block = { params: [i32, i32], results: [] } as const

/** Words that are left as they are, or maps that one function computes: all of it, or blocks of a single one. */
interface Part {
  readonly from: number
  to: number
  readonly maps: MapOf[]
  readonly way: 'words' | 'whole' | 'blocks'
}

function partsOf(words: Int32Array, from: number, to: number): Part[] {
  const parts: Part[] = []
  for (let at = from; at < to; at += words[at + 1]) {
    const end = at + words[at + 1]
    const map = isMap(words[at]) ? mapAt(words, at) : undefined
    const way = map === undefined ? 'words' : canRun(map) ? 'whole' : canBlock(map) ? 'blocks' : 'words'
    const maps = map === undefined ? [] : [map]
    const last = parts.at(-1)
    if (way === 'whole' && last?.way === way) {
      last.maps.push(...maps)
      last.to = end
    } else parts.push({ from: at, to: end, maps, way })
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
        if (isWhole) {
          for (const map of part.maps) writeKernel(map, body, body.param(0).get, body.param(1).get)
          body.add(w.int(0))
        } else writeBlock(part.maps[0], body)
        module.add(isWhole ? whole : block, body, String(functions))
        made.push(opcodes.emitted, emittedHead + part.to - part.from, part.maps[0].tag, functions++, isWhole ? 0 : 1)
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
  return functions === 0 ? undefined : { words: Int32Array.from(made), functions, module: module.encode() }
}
