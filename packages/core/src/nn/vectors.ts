// Parameters as one vector, and back.
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { shapeString } from '../base/shape.ts'
import { cat } from '../ops/views/join.ts'
import { narrow, reshape } from '../ops/views/views.ts'
import { copy_ } from '../ops/write/write.ts'
import { noGrad } from '../tensor/mode.ts'
import { type Takes, isTensor, iterable, type Kind, required, signature, tensor } from '../tensor/signature.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { pythonRepr } from './names.ts'

const tensorsParameter = required('parameters', iterable as Kind<Iterable<Tensor>>)
/** Tensors in an array, or PyTorch's error. */
export function tensorsOf(given: Iterable<unknown>): Tensor[] {
  return Array.from(given, (x) => {
    if (isTensor(x)) return x
    throw new TypeError(`expected torch.Tensor, but got: ${kindOf(x)}`, 'The parameters must be Tensors.')
  })
}

const readToVector = signature('parameters_to_vector', tensorsParameter)
/**
 * The elements of all parameters in one vector, with their gradients.
 *
 * @example
 * nn.utils.parametersToVector(new nn.Linear(3, 2).parameters()).shape // [8]
 */
export function parametersToVector(...args: [parameters: Iterable<Tensor>]): Tensor {
  const [parameters] = readToVector(args)
  return cat(tensorsOf(parameters).map((p) => reshape(p, -1)))
}

const vec: Kind<Tensor> = {
  ...tensor,
  refuse: (x) => new TypeError(`expected torch.Tensor, but got: ${typeName(x)}`, 'The vec is a vector.'),
}
const readFromVector = signature('vector_to_parameters', required('vec', vec), tensorsParameter)
/**
 * Copies the elements of a vector into parameters, one after the other; what is left over is not used.
 *
 * Throws a RuntimeError if the vector is too short; nothing has changed then.
 *
 * @example
 * const vector = nn.utils.parametersToVector(model.parameters()).detach()
 * nn.utils.vectorToParameters(vector.mul(0.5), model.parameters())
 */
export function vectorToParameters(
  ...args: Takes<[vec: Tensor, parameters: Iterable<Tensor>], 'vec parameters'>
): void {
  const [vector, given] = readFromVector(args)
  const parameters = tensorsOf(given)
  let at = 0
  const parts = parameters.map((p) => {
    const left = vector.dim() === 1 ? vector.elements - at : 0
    if (left < p.elements) {
      throw new RuntimeError(
        `shape '${pythonRepr([...p.sizes]).replace(/^\((.*?),?\)$/, '[$1]')}' is invalid for input of size ${Math.max(left, 0)}`,
        `The vec has the shape ${shapeString(vector.sizes)}.`,
      )
    }
    const part = reshape(narrow(vector, 0, at, p.elements), [...p.sizes])
    at += p.elements
    return part
  })
  noGrad(() => parameters.forEach((p, i) => void copy_(p, parts[i])))
}
