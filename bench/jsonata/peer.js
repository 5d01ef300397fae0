// Evaluates cases for main.go: a line "NUMBER MILLISECONDS" on the input is answered by the mean time of an evaluation.
'use strict';
const fs = require('fs');
const readline = require('readline');
const jsonata = require('jsonata');

const cases = process.argv.slice(2).map((file) => {
  const { expression, document } = JSON.parse(fs.readFileSync(file, 'utf8'));
  return { expression: jsonata(expression), document };
});

async function measure({ expression, document }, milliseconds) {
  const span = BigInt(milliseconds) * 1000000n;
  const start = process.hrtime.bigint();
  const before = process.cpuUsage();
  for (let n = 1; ; n++) {
    const value = await expression.evaluate(document);
    if (n < 64 || n % 64 === 0) {
      const passed = process.hrtime.bigint() - start;
      if (passed >= span) {
        const { user, system } = process.cpuUsage(before);
        return { wall: Number(passed) / n, cpu: (user + system) * 1000 / n, value: value === undefined ? null : value };
      }
    }
  }
}

(async () => {
  console.log(JSON.stringify({ node: process.version }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [number, milliseconds] = line.split(' ').map(Number);
    let answer;
    try {
      answer = await measure(cases[number], milliseconds);
    } catch (err) {
      answer = { error: err.code + ' ' + err.message };
    }
    console.log(JSON.stringify(answer));
  }
})();
