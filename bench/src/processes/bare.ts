// A process that only prints: what Node itself costs, its console included, whose first use takes a few milliseconds.
console.log(2.75)
