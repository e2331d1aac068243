// greeter: an actor in JavaScript, made a component by componentize-js. It is how the tests
// see that a component of another toolchain runs unchanged.
//
// Messages: count · config · env NAME · self · crash · sleep MS; any other one is greeted.
import { selfId } from "airssys:core/host-messaging@1.0.0";
import { log, sleepMillis } from "airssys:core/host-services@1.0.0";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
let config = { envVars: [] };
let messages = 0;

function answer(text) {
  const [word, rest] = text.split(/ (.*)/s);
  switch (word) {
    case "count":
      return `${messages}`;
    case "config":
      return config.configData ? decoder.decode(config.configData) : "";
    case "env":
      return (config.envVars.find(([name]) => name === rest) ?? ["", "(unset)"])[1];
    case "self": {
      const id = selfId();
      return `${id.namespace}:${id.name}:${id.instance}`;
    }
    case "sleep":
      sleepMillis(BigInt(rest));
      return "slept";
    case "err":
      throw { tag: "runtime-error", val: rest };
    case "crash":
      throw new Error("greeter was told to crash");
    default:
      return `hello, ${text}`;
  }
}

export const componentLifecycle = {
  initialize(given) {
    config = given;
    log("info", "greeter is up", undefined);
  },
  handleMessage(message) {
    messages++;
    return encoder.encode(answer(decoder.decode(message.payload)));
  },
  handleCallback() {},
  metadata() {
    return {
      name: "greeter", version: "1.0.0", description: "greets", author: "airs",
      license: "MIT", supportedOperations: ["count", "crash"], stateful: true,
    };
  },
  health() {
    return "healthy";
  },
  shutdown() {},
};
