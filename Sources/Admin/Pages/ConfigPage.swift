import Plan

/// `/config_dump`: the compiled plan as JSON, field by field as Compile made it, in pieces of a listener, a virtual host or a
/// cluster.
struct ConfigPage {
    let plan: Plan
    let generation: Int

    func pieces() -> () -> [UInt8]? {
        var steps = steps()[...]
        var json = JSONWriter()
        return {
            guard let step = steps.popFirst() else { return nil }
            step(&json)
            return json.take()
        }
    }

    private typealias Step = (inout JSONWriter) -> Void

    private func steps() -> [Step] {
        var steps: [Step] = [
            { json in
                json.open("{")
                json.field("generation", generation)
                json.key("identity")
                json.dump(plan.identity)
                json.key("settings")
                json.dump(plan.settings)
                json.key("listeners")
                json.dump(plan.listeners)
                json.key("routeConfigurations")
                json.open("[")
            }
        ]
        for configuration in plan.routeConfigurations {
            steps.append { json in
                json.open("{")
                json.field("name", configuration.name)
                json.field("matchesPort", configuration.matchesPort)
                json.key("virtualHosts")
                json.open("[")
            }
            for host in configuration.virtualHosts { steps.append { $0.dump(host) } }
            steps.append { json in
                json.close("]")
                json.close("}")
            }
        }
        steps.append { json in
            json.close("]")
            json.key("clusters")
            json.open("[")
        }
        for cluster in plan.clusters { steps.append { $0.dump(cluster) } }
        steps.append { json in
            json.close("]")
            json.close("}")
        }
        return steps
    }
}
