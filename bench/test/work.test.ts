// What is timed side by side must be the same work.
import { expect, test } from 'vitest'
import { bostonFloor, breastCancerFloor } from '../src/floors.ts'
import { generatedBy, runManyKernels } from '../src/kernels.ts'
import { boston, breastCancer } from '../src/models.ts'

test.each([
  ['boston', boston, bostonFloor],
  ['breast cancer', breastCancer, breastCancerFloor],
])('%s: loops without a library train as the tensors do', (_, make, makeFloor) => {
  const model = make()
  const floor = makeFloor(model.data, model.weight, model.bias[0])
  for (let i = 0; i < 100; i++) {
    const loss = model.epoch().item()
    expect(Math.abs(floor.epoch() / loss - 1)).toBeLessThan(1e-5)
  }
})

test('many kernels are many', () => {
  const generated = generatedBy(() => void runManyKernels(['float32', 'float64', 'int32']))
  expect(generated).toBeGreaterThan(200)
  expect(generatedBy(() => void runManyKernels(['float32', 'float64', 'int32']))).toBe(0)
})
