// Deep Q-learning on a corridor: a replay buffer, a target network, epsilon-greedy actions, smooth L1.
import { eye, F, manualSeed, nn, noGrad, optim, rand, randint, randperm, type Tensor, tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

const SIZE = 5

function envStep(state: number, action: number) {
  state = Math.max(0, Math.min(SIZE - 1, state + (action === 1 ? 1 : -1)))
  const done = state === SIZE - 1
  return [state, done ? 1 : -0.1, done] as const
}

type Transition = readonly [state: number, action: number, reward: number, nextState: number, done: number]

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const policy = new nn.Sequential(new nn.Linear(SIZE, 16), new nn.ReLU(), new nn.Linear(16, 2))
  const target = new nn.Sequential(new nn.Linear(SIZE, 16), new nn.ReLU(), new nn.Linear(16, 2))
  target.loadStateDict(policy.stateDict())
  const optimizer = new optim.Adam(policy.parameters(), { lr: 0.01 })
  const memory: Transition[] = []

  const optimize = compile((states: Tensor, actions: Tensor, rewards: Tensor, nextStates: Tensor, done: Tensor) => {
    const q = policy.forward(F.oneHot(states, SIZE).float()).gather(1, actions.unsqueeze(1)).squeeze(1)
    const nextQ = noGrad(() => target.forward(F.oneHot(nextStates, SIZE).float()).max(1)[0])
    const expected = rewards.add(nextQ.mul(0.9).mul(done.neg().add(1)))
    const loss = F.smoothL1Loss(q, expected)
    optimizer.zeroGrad()
    loss.backward()
    for (const p of policy.parameters()) p.grad!.data.clamp_(-1, 1)
    optimizer.step()
    return loss
  })

  let loss: Tensor | undefined
  for (let episode = 1; episode <= 8; episode++) {
    let [state, done, steps, total] = [0, false, 0, 0]
    while (!done && steps < 15) {
      let action: number
      if (rand(1).item() < 0.3) action = randint(0, 2, [1]).item()
      else
        action = noGrad(() =>
          policy
            .forward(F.oneHot(tensor([state], { dtype: 'int64' }), SIZE).float())
            .max(1)[1]
            .item(),
        )
      const [nextState, reward, ended] = envStep(state, action)
      memory.push([state, action, reward, nextState, Number(ended)])
      if (memory.length > 200) memory.shift()
      state = nextState
      done = ended
      steps += 1
      total += reward
      if (memory.length >= 8) {
        const chosen = randperm(memory.length).at(':8').tolist() as number[]
        const batch = chosen.map((i) => memory[i])
        const column = (i: number, dtype: 'int64' | 'float32') =>
          tensor(
            batch.map((row) => row[i]),
            { dtype },
          )
        loss = optimize(
          column(0, 'int64'),
          column(1, 'int64'),
          column(2, 'float32'),
          column(3, 'int64'),
          column(4, 'float32'),
        )
      }
    }
    if (episode % 2 === 0) {
      target.loadStateDict(policy.stateDict())
      print(`episode ${episode} steps ${steps} return ${total.toFixed(1)} loss ${loss!.item().toFixed(4)}`)
    }
  }
  print(policy.forward(eye(SIZE)).argmax(1).at(0).item())
}
