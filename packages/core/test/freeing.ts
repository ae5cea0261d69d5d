// For tests of memory that flambeau frees by itself: programs run with tensors of any size freed, on a device that counts
// what is alive.
import { manualSeed, useDevice } from '@flambeau/core'
import { js } from '@flambeau/backend-js'
import { afterAll } from 'vitest'
import { freeing } from '../src/tensor/effects.ts'
import { Counting } from './counting.ts'

const { from } = freeing
afterAll(() => {
  freeing.from = from
  useDevice(js())
})

/** The result of a program that frees from so many elements on, and its device. */
export function running<T>(elements: number, program: (device: Counting) => T): [result: T, device: Counting] {
  const device = new Counting()
  useDevice(device)
  freeing.from = elements
  manualSeed(0)
  return [program(device), device]
}
