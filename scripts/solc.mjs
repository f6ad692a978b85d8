#!/usr/bin/env node
// The npm compiler (WebAssembly) behind the part of solc's command line that forge and py-solc-x use:
//   solc.mjs --version            solc.mjs --standard-json [ignored path options] < input.json
// All sources must come inline in the input: nothing is read from disk, so output depends on the input alone.
import { createRequire } from "node:module";
import { readFileSync, writeSync } from "node:fs";

const args = process.argv.slice(2);

function write(text) {
    const bytes = Buffer.from(text, "utf8");
    for (let at = 0; at < bytes.length; ) {
        try {
            at += writeSync(1, bytes, at);
        } catch (error) {
            if (error.code !== "EAGAIN") throw error;
        }
    }
}

let solc;
try {
    solc = createRequire(import.meta.url)("solc");
} catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    process.stderr.write("找不到编译器：请先运行 npm ci。/ The compiler is missing: run npm ci first.\n");
    process.exit(69);
}

if (args.includes("--version")) {
    // Callers parse the platform suffix of the native compiler.
    const version = solc.version().replace(/\.Emscripten\.clang$/, ".Linux.g++");
    write(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else if (args.includes("--standard-json")) {
    write(solc.compile(readFileSync(0, "utf8")) + "\n");
} else {
    process.stderr.write("usage: solc.mjs --version | --standard-json < input.json\n");
    process.exit(64);
}
