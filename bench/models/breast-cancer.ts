// Logistic regression on the breast cancer set, all 30 features, full batch, SGD: microseconds an epoch beside PyTorch.
import { breastCancerFloor } from '../src/floors.ts'
import { breastCancer } from '../src/models.ts'
import { sideBySide } from '../src/side-by-side.ts'

const model = breastCancer()
const floor = breastCancerFloor(model.data, model.weight, model.bias[0])
await sideBySide({ name: 'breast-cancer', title: 'Breast cancer', model, floor, atMost: 0.85, repeat: 200 })
