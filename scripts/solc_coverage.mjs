#!/usr/bin/env node
// The compiler for measuring coverage: forge turns the optimizer off, which keeps every line and branch where it was
// written, but hand-written assembly then has more values than the stack can reach. This gives back the one step that
// lays assembly's values out on the stack, and nothing else.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const args = process.argv.slice(2);
let input;
if (args.includes("--standard-json")) {
    const request = JSON.parse(readFileSync(0, "utf8"));
    const yulDetails = { stackAllocation: true, optimizerSteps: ":" };
    request.settings.optimizer = { enabled: false, details: { yul: true, yulDetails } };
    input = JSON.stringify(request);
}
const compiler = fileURLToPath(new URL("solc.mjs", import.meta.url));
const ended = spawnSync(process.execPath, [compiler, ...args], { input, stdio: ["pipe", "inherit", "inherit"] });
process.exit(ended.status ?? 1);
