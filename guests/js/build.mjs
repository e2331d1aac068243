// build.mjs: makes a component for world runtime-host out of a JavaScript module.
//
//     npm install && node build.mjs greeter.js ../../wit/airssys-core.wit greeter.wasm
//
// An actor needs nothing but the host functions of its world, so the engine's own imports of
// WASI are all left out.
import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [sourcePath, witPath, output] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath,
  witPath,
  worldName: "runtime-host",
  disableFeatures: ["random", "stdio", "clocks", "http", "fetch-event"],
});
await writeFile(output, component);
