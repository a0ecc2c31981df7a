// Has iam-simulate decide every ask that the IAM tests wrote down, and compares. Nothing but this
// comparison needs Node; the tests decide by sim/iam.py.
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

// It holds context keys and resources against AWS's list and leaves out what is not on it. EC2's
// user guide has the first two, and the list does not.
const UNLISTED = new Set(['ec2:CopySnapshot', 'ec2:CopyImage'])
const account = '123456789012'
const lines = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)
let same = 0, unlisted = 0, unknown = new Map()
const different = []

for (const line of lines) {
  const { documents, ask, allowed } = JSON.parse(line)
  const contextVariables = {}
  for (const [key, values] of Object.entries(ask.context)) {
    const many = /tagkeys$|leadingkeys$|ec2:attribute$/.test(key)
    contextVariables[key] = many ? values : values[0]
  }
  const request = {
    action: ask.action,
    principal: `arn:aws:sts::${account}:assumed-role/gpu/gpu`,
    resource: { resource: ask.resource, accountId: account },
    contextVariables,
  }
  const identityPolicies = documents.map((policy, n) => ({ name: `p${n}`, policy }))
  const answer = await runSimulation(
    { identityPolicies, serviceControlPolicies: [], resourceControlPolicies: [], request }, {})
  if (answer.resultType === 'error') {
    const why = JSON.stringify(answer.errors).slice(0, 160)
    unknown.set(why, [...(unknown.get(why) ?? []), `${ask.action} ${ask.resource}`])
    continue
  }
  if ((answer.overallResult === 'Allowed') === allowed) same += 1
  else if (UNLISTED.has(ask.action)) unlisted += 1
  else different.push([ask.action, ask.resource, allowed, answer.overallResult])
}
for (const one of different) console.log('different:', ...one)
for (const [why, asks] of unknown) console.log('not decided:', asks.length, [...new Set(asks)].slice(0, 3), why)
console.log(`${lines.length} asks: ${same} decided alike, ${different.length} differently, ` +
  `${unlisted} of keys that its list lacks, ${lines.length - same - different.length - unlisted} not decided`)
process.exit(different.length ? 1 : 0)
