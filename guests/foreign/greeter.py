# An actor in Python.
#   componentize-py -d ../../wit/airssys-core.wit -w runtime-host bindings .
#   componentize-py -d ../../wit/airssys-core.wit -w runtime-host componentize greeter -o greeter.wasm
from wit_world.exports import ComponentLifecycle as Lifecycle
from wit_world.exports.component_lifecycle import ComponentMetadata
from wit_world.imports.types import HealthStatus

messages = 0


class ComponentLifecycle(Lifecycle):
    def initialize(self, config):
        pass

    def handle_message(self, msg):
        global messages
        messages += 1
        text = msg.payload.decode()
        if text == "crash":
            raise RuntimeError("greeter was told to crash")
        return f"{messages} hello, {text}".encode()

    def handle_callback(self, msg):
        pass

    def metadata(self):
        return ComponentMetadata("greeter", "1.0.0", "greets", "airs", "MIT", ["count"], True)

    def health(self):
        return HealthStatus.HEALTHY

    def shutdown(self):
        pass
