// A process that only prints: the cost of Node itself including its console, whose first use takes a few milliseconds.
console.log(2.75)
